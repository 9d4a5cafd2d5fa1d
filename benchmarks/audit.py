"""The audit trail: what a record costs, how quick a search is among a million of them, how fast they are verified."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from random import Random

from django.db import connection, transaction

from events.audit import record
from events.selectors_audit import list_audit, list_looks
from events.services.audit_sealing import prove_audit, seal_audit
from events.types import AuditOutcome, AuditQuery
from kernel import clock
from kernel.actors import Actor, ActorKind
from kernel.db import fetch_all, fetch_one

RECORDS = int(os.environ.get("AUDIT_RECORDS", "1000000"))
CHUNK = 10_000
SEARCHES = 200
STAFF = Actor(ActorKind.STAFF, "17", roles=frozenset({"support_lead"}))

# Three hundred staff, two hundred thousand players, forty actions, reasons of a few words; one in fifty refused.
_FILL = """
SELECT count(events_audit_append('app' || n %% 5 || '.deed_' || n %% 40, CASE WHEN n %% 50 = 0 THEN 'denied' ELSE 'done' END,
    'staff', (n * 7919 %% 300)::text, ARRAY[CASE n %% 20 WHEN 0 THEN 'mlro' ELSE 'support_agent' END],
    md5((n * 104729 %% 200000)::text)::uuid, 'wallet.withdrawal', md5(n::text), 'Ticket ' || n || ' ' || md5(n::text),
    '{"state": "active"}', '{"state": "closed"}', ('10.' || n %% 250 || '.' || n / 7 %% 250 || '.9')::inet,
    'Browser/1', md5((n / 3)::text), now()))
FROM generate_series(%s::bigint, %s::bigint) n"""


def fill() -> int:
    """Records up to RECORDS; how many there are."""
    (known,) = fetch_one("SELECT count(*) FROM events_auditrecord")
    for start in range(known, RECORDS, CHUNK):
        fetch_one(_FILL, [start, start + CHUNK - 1])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_auditrecord")
    return int(max(known, RECORDS))


def records_a_second(seconds: float) -> tuple[float, float]:
    """Records one after another by one connection: each its own transaction, and all within one."""
    at = clock.now()

    def once() -> object:
        return record(
            action="bench.deed", actor=STAFF, at=at, object_type="bench.thing", object_id="1", reason="Ticket 12",
            before={"state": "active"}, after={"state": "closed"},
        )  # fmt: skip

    alone = _rate(once, seconds)
    with transaction.atomic():
        together = _rate(once, seconds)
    return alone, together


def _rate(work: Callable[[], object], seconds: float) -> float:
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        work()
        done += 1
    return done / (time.perf_counter() - started)


def search_times() -> dict[str, float]:
    """The 95th percentile in milliseconds of the first page of each kind of search."""
    random = Random(5)
    samples = fetch_all(
        "SELECT player_id, object_id, host(ip) AS ip, request_id FROM events_auditrecord TABLESAMPLE SYSTEM (1)"
    )
    samples = random.sample(samples, min(SEARCHES, len(samples)))
    kinds: dict[str, Callable[[dict[str, str]], AuditQuery]] = {
        "newest": lambda row: AuditQuery(),
        "player": lambda row: AuditQuery(player_id=row["player_id"]),  # type: ignore[arg-type]
        "person": lambda row: AuditQuery(actor_kind="staff", actor_id=str(random.randrange(300))),
        "person and action": lambda row: AuditQuery(
            actor_kind="staff",
            actor_id=str(random.randrange(300)),
            action=f"app{(n := random.randrange(40)) % 5}.deed_{n}",
        ),
        "object": lambda row: AuditQuery(object_type="wallet.withdrawal", object_id=row["object_id"]),
        "action": lambda row: AuditQuery(action=f"app{(n := random.randrange(40)) % 5}.deed_{n}"),
        "app": lambda row: AuditQuery(action="app3."),
        "role": lambda row: AuditQuery(role="mlro"),
        "role that nobody has": lambda row: AuditQuery(role="nobody"),
        "outcome": lambda row: AuditQuery(outcome=AuditOutcome.DENIED),
        "address": lambda row: AuditQuery(ip=row["ip"]),
        "request": lambda row: AuditQuery(request_id=row["request_id"]),
        "words in the reason": lambda row: AuditQuery(text=f"ticket {random.randrange(RECORDS)}"),
        "a word in all reasons": lambda row: AuditQuery(text="ticket"),
    }
    found = {name: _p95([partial(list_audit, make(row)) for row in samples]) for name, make in kinds.items()}
    found["who looked"] = _p95([partial(list_looks, row["player_id"]) for row in samples])
    return found


def _p95(searches: list[Callable[[], object]]) -> float:
    times = []
    for search in searches:
        started = time.perf_counter()
        search()
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)[int(len(times) * 0.95)]


def verified_a_second() -> float:
    """Everything sealed, then the chains and seals of everything."""
    at = clock.now()
    for _ in seal_audit(at=at):
        pass
    started = time.perf_counter()
    proof = prove_audit(fresh=True, at=at)
    assert proof.sound, proof.first_broken
    return proof.entries / (time.perf_counter() - started)
