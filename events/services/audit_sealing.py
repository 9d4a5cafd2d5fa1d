"""Sealing and proving the audit trail (services.sealing, services.proving): its chains, and the seals over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from events.models_audit import AuditSeal
from events.services import proving, sealing
from events.services.checks import Check, Finding, run_check
from events.services.proving import Proof
from events.services.sealing import Content, SealedStream
from events.services.spans import ROWS, Span
from kernel.db import fetch_all, fetch_one
from kernel.sealing import PublishedKey, Seal, SealStore, split_hashes

# The hash is computed here once more: the check does not trust the function whose work it checks.
CHAINS = Check(
    "every record follows the one before it in its chain: number and hash",
    """WITH line AS (
           SELECT r.*, lag(r.sequence) OVER chain AS known, lag(r.hash) OVER chain AS known_hash
           FROM events_auditrecord r WHERE {r} WINDOW chain AS (PARTITION BY r.chain ORDER BY r.sequence, r.id)
       ), linked AS MATERIALIZED (  -- where the record before lies in another span, it is looked up
           SELECT *, CASE WHEN sequence = 1 THEN '' WHEN known = sequence - 1 THEN known_hash ELSE (
                      SELECT p.hash FROM events_auditrecord p
                      WHERE p.chain = line.chain AND p.sequence = line.sequence - 1 LIMIT 1) END AS before_hash
           FROM line
       )
       SELECT id AS subject, format('%%s by %%s:%%s, record %%s of chain %%s: %%s', action, actor_kind, actor_id, sequence, chain,
                  CASE WHEN before_hash IS NULL THEN format('there is no record %%s', sequence - 1)
                       WHEN known = sequence THEN 'there are two of this number'
                       ELSE 'its hash is not that of its content and the record before' END) AS detail
       FROM linked WHERE before_hash IS NULL OR known = sequence OR hash <> sha256('\\x00'::bytea || before_hash
          || convert_to(ROW(id, chain, sequence, epoch, xid, action, outcome, actor_kind, actor_id, actor_roles, player_id,
                 object_type, object_id, reason, before, after, ip, user_agent, request_id,
                 (extract(epoch FROM occurred_at) * 1000000)::bigint)::text, 'UTF8'))""",
)
ENDS = Check(
    "every chain ends with its last record",
    """SELECT c.number AS subject,
              format('ends with record %%s, the chain says %%s', coalesce(r.sequence, 0), c.sequence) AS detail
       FROM events_auditchain c LEFT JOIN LATERAL (
           SELECT sequence, hash FROM events_auditrecord WHERE chain = c.number ORDER BY sequence DESC LIMIT 1) r ON true
       WHERE c.sequence <> coalesce(r.sequence, 0) OR c.hash <> coalesce(r.hash, '')""",
)


class AuditTrail(SealedStream):
    """Records' hashes; totals by outcome."""

    name, title, lock = "audit", "audit trail", 7_463_003

    def read_contents(self, span: Span, until: list[int]) -> list[Content]:
        params = {**span.params(), "borders": until[:-1]}
        part, rows = (
            "width_bucket(r.xid, %(borders)s::bigint[]) AS part",
            f"events_auditrecord r WHERE {ROWS.format('r')}",
        )
        hashes = fetch_all(
            f"SELECT {part}, string_agg(hash, ''::bytea ORDER BY xid, id) AS hashes FROM {rows} GROUP BY 1", params
        )
        counted = fetch_all(f"SELECT {part}, outcome, count(*) AS records FROM {rows} GROUP BY 1, 2", params)
        joined = {row["part"]: bytes(row["hashes"]) for row in hashes}
        totals: dict[int, dict[str, dict[str, int]]] = {}
        for row in counted:
            totals.setdefault(row["part"], {})[row["outcome"]] = {"records": row["records"]}
        return [
            Content(split_hashes(joined.get(number, b"")), {}, totals.get(number, {})) for number in range(len(until))
        ]

    def find_first_xid(self, span: Span) -> int | None:
        return _edge("min", span)

    def find_last_xid(self, span: Span) -> int | None:
        return _edge("max", span)

    def count(self, span: Span) -> int:
        number: int = fetch_one(f"SELECT count(*) FROM events_auditrecord r WHERE {ROWS.format('r')}", span.params())[0]
        return number

    def keep(self, seal: Seal) -> None:
        AuditSeal.objects.create(
            number=seal.number,
            epoch=seal.covers["epoch"],
            xid_until=seal.covers["xid_until"],
            records=seal.leaves,
            root=seal.root,
            hash=seal.hash,
            key_id=seal.key_id,
            sealed_at=datetime.fromisoformat(seal.sealed_at),
        )

    def find_place(self, number: int) -> tuple[int, int] | None:
        return AuditSeal.objects.filter(number=number).values_list("epoch", "xid_until").first()

    def get_last_number(self) -> int:
        row = AuditSeal.objects.order_by("-number").first()
        return row.number if row else 0

    def check_span(self, span: Span) -> Iterator[Finding]:
        yield run_check(CHAINS, span.params())

    def check_end(self, *, whole: bool) -> Iterator[Finding]:
        yield run_check(ENDS, {})


TRAIL = AuditTrail()


def open_store() -> SealStore:
    """The audit trail's seals."""
    return sealing.open_store(TRAIL)


def seal_audit(*, at: datetime) -> Iterator[Seal]:
    """Seal all that is settled and not sealed yet; nothing new gives no seal. Raises: SealingRefused."""
    return sealing.seal_stream(TRAIL, at=at)


def rotate_key(*, at: datetime) -> PublishedKey:
    """Publish the newest of SEAL_PRIVATE_KEYS for the trail: its seals are signed by it from now on. Raises: SealingRefused."""
    return sealing.rotate_key(TRAIL, at=at)


def summarise(day: date) -> dict[str, Any]:
    """A day's seals in one page: how many, over how many records, totals by outcome, one root."""
    return sealing.summarise(TRAIL, day)


def prove_audit(
    *, since_last: bool = False, fresh: bool = False, at: datetime, progress: Callable[[Proof], object] = lambda _: None
) -> Proof:
    """Check all records' chains and seals, or only what was sealed since the last sound run; see ``proving.prove``."""
    return proving.prove(TRAIL, since_last=since_last, fresh=fresh, at=at, progress=progress)


def find_last_proof() -> Proof | None:
    """The last run that came to its end."""
    return proving.find_last_proof(TRAIL)


def _edge(which: str, span: Span) -> int | None:
    xid: int | None = fetch_one(
        f"SELECT {which}(xid) FROM events_auditrecord r WHERE {ROWS.format('r')}", span.params()
    )[0]
    return xid
