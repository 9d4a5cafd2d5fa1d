"""The trail is sealed, and whatever a superuser does to it is found and named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django import Settings

from events.audit import record
from events.models_audit import AuditSeal
from events.services.audit_sealing import find_last_proof, open_store, prove_audit, seal_audit, summarise
from events.services.proving import Proof
from kernel.actors import system
from kernel.db import fetch_all, fetch_one
from kernel.sealing import SealingRefused, new_private_key
from tests.connections import Session
from tests.database import DATABASE, admin_url, databases

pytestmark = pytest.mark.usefixtures("db")

NOW = datetime(2026, 3, 14, 15, 0, tzinfo=UTC)
SIGNED = "every seal is in its chain, signed, and has the root of what is in the audit trail"
FOLLOWS = "every record follows the one before it in its chain: number and hash"
ENDS = "every chain ends with its last record"


@pytest.fixture(autouse=True)
def store(db: None, settings: Settings, tmp_path: Path) -> Path:
    settings.SEALS_PATH = tmp_path
    settings.SEAL_PRIVATE_KEYS = [new_private_key()]
    return tmp_path / "audit"


def write(count: int = 3, **changes: str) -> None:
    for number in range(count):
        record(
            action="test.deed", actor=system("test"), at=NOW, object_type="test.thing", object_id=str(number), **changes
        )


def seal() -> int:
    return len(list(seal_audit(at=NOW)))


def prove(**options: bool) -> Proof:
    return prove_audit(at=NOW, **options)


def damage(*statements: str) -> None:
    """As a superuser who switches triggers off."""
    with psycopg.connect(databases.with_database(admin_url(), DATABASE), autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for statement in statements:
            superuser.execute(statement)


# Gives every chain new numbers and hashes, by the trail's own formula: one who knows it all but the key.
REWRITE = """
DO $$
DECLARE
    line events_auditrecord;
    head record;
    last bytea := '';
    place bigint := 0;
BEGIN
    FOR head IN SELECT number FROM events_auditchain LOOP
        last := ''; place := 0;
        FOR line IN SELECT * FROM events_auditrecord WHERE chain = head.number ORDER BY sequence LOOP
            place := place + 1;
            line.sequence := place;
            last := events_audit_hash(last, line);
            UPDATE events_auditrecord SET sequence = place, hash = last WHERE id = line.id;
        END LOOP;
        UPDATE events_auditchain SET sequence = place, hash = last WHERE number = head.number;
    END LOOP;
END $$"""

SECOND = "(SELECT id FROM events_auditrecord ORDER BY id OFFSET 1 LIMIT 1)"
LAST = "(SELECT id FROM events_auditrecord ORDER BY id DESC LIMIT 1)"

COPY_ONE = f"""
INSERT INTO events_auditrecord SELECT (jsonb_populate_record(r, jsonb_build_object('id', kernel_uuid7()))).*
FROM events_auditrecord r WHERE id = {SECOND}"""


def found(proof: Proof) -> set[str]:
    return {check for check, broken in proof.broken.items() if broken}


def test_everything_settled_is_sealed_once_and_proved() -> None:
    write()
    assert seal() == 1
    write()
    assert seal() == 1
    assert seal() == 0
    proof = prove()
    assert (proof.sound, proof.seal, proof.entries) == (True, 2, 6)
    assert list(AuditSeal.objects.order_by("number").values_list("records", flat=True)) == [3, 3]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([f"UPDATE events_auditrecord SET reason = 'nothing' WHERE id = {SECOND}"], {FOLLOWS}),
        ([f"UPDATE events_auditrecord SET actor_id = 'somebody else' WHERE id = {SECOND}"], {FOLLOWS}),
        ([f"UPDATE events_auditrecord SET occurred_at = occurred_at - interval '1 day' WHERE id = {SECOND}"], {FOLLOWS}),
        ([f"UPDATE events_auditrecord SET after = '{{}}' WHERE id = {SECOND}"], {FOLLOWS}),
        ([f"DELETE FROM events_auditrecord WHERE id = {SECOND}"], {FOLLOWS, SIGNED}),
        # Reordered: two records of a chain change places.
        (["UPDATE events_auditrecord SET sequence = 3 - sequence WHERE sequence IN (1, 2)"], {FOLLOWS}),
        # Cut: the last record goes, and the chain's head with it.
        ([f"DELETE FROM events_auditrecord WHERE id = {LAST}"], {ENDS, SIGNED}),
        ([f"DELETE FROM events_auditrecord WHERE id = {LAST}", REWRITE], {SIGNED}),
        # Rewritten consistently by one who knows everything but the key.
        ([f"UPDATE events_auditrecord SET reason = 'nothing' WHERE id = {SECOND}", REWRITE], {SIGNED}),
        ([f"DELETE FROM events_auditrecord WHERE id = {SECOND}", REWRITE], {SIGNED}),
        (["DELETE FROM events_auditrecord", REWRITE], {SIGNED}),
        # Put in between.
        (
            [COPY_ONE],
            {FOLLOWS, SIGNED},
        ),
        (["UPDATE events_auditrecord SET xid = 1"], {FOLLOWS}),
        (["UPDATE events_auditchain SET sequence = sequence + 1 WHERE sequence > 0"], {ENDS}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("since_last", [False, True])
def test_whatever_is_done_to_sealed_records_is_found(
    statements: list[str], expected: set[str], since_last: bool
) -> None:
    write()
    seal()
    damage(*statements)
    proof = prove(since_last=since_last)
    assert expected <= found(proof)
    assert proof.first_broken


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE events_auditrecord SET reason = 'nothing' WHERE id = {SECOND}",
        f"DELETE FROM events_auditrecord WHERE id = {SECOND}",
        f"DELETE FROM events_auditrecord WHERE id = {LAST}",
    ],
)
def test_chains_alone_find_what_is_done_before_the_next_seal(statement: str) -> None:
    write()
    assert prove().sound
    damage(statement)
    assert found(prove()) & {FOLLOWS, ENDS}


def test_the_first_broken_record_is_named() -> None:
    write()
    seal()
    broken = fetch_one(f"SELECT {SECOND}")[0]
    damage(f"UPDATE events_auditrecord SET reason = 'nothing' WHERE id = '{broken}'")
    out = StringIO()
    with pytest.raises(CommandError, match=f"The first: {broken}: test.deed by system:test, record 2"):
        call_command("verify_audit", stdout=out)
    assert "BROKEN" in out.getvalue()


def test_a_seal_in_the_store_cannot_be_changed_or_taken_out(store: Path) -> None:
    for _ in range(3):
        write()
        seal()
    (file,) = store.glob("2*.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + lines[2])
    assert found(prove()) == {SIGNED}
    forged = json.loads(lines[1]) | {"leaves": 2}
    file.write_text(lines[0] + json.dumps(forged) + "\n" + lines[2])
    assert found(prove()) == {SIGNED}
    file.write_text(lines[0])
    assert found(prove()) == {SIGNED}
    with pytest.raises(SealingRefused, match="The database knows seal 3"):
        seal()
    file.write_text("".join(lines))
    assert prove().sound


def test_a_record_whose_transaction_commits_late_is_sealed_later() -> None:
    late = Session()
    late.begin()
    late.do(lambda: write(1, reason="late"))
    write()
    assert seal() == 0, "nothing behind an open transaction is settled"
    late.commit()
    late.close()
    seal()
    assert sum(AuditSeal.objects.values_list("records", flat=True)) == 4
    assert prove().sound


def test_chains_whose_order_is_not_that_of_transactions_are_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that began first may write last: the record before is then in a later portion."""
    monkeypatch.setattr("events.services.proving.PORTION_ENTRIES", 1)
    early = Session()
    early.begin()
    early.do(lambda: fetch_one("SELECT pg_current_xact_id()::text"))
    number = early.do(lambda: fetch_one("SELECT pg_backend_pid() % 128")[0])
    with transaction.atomic():
        fetch_one("SELECT set_config('pms.audit_chain', %s, true)", [str(number)])
        write(1)
    early.do(lambda: write(1))
    early.commit()
    early.close()
    rows = fetch_all("SELECT chain, xid FROM events_auditrecord ORDER BY sequence")
    assert len({row["chain"] for row in rows}) == 1
    assert rows[0]["xid"] > rows[1]["xid"]
    seal()
    assert prove().sound


def test_a_run_that_was_cut_short_is_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        write()
        seal()
    monkeypatch.setattr("events.services.proving.PORTION_ENTRIES", 1)

    class Killed(BaseException):
        pass

    def kill(at: Proof) -> None:
        if at.seal == 2:
            raise Killed

    with pytest.raises(Killed):
        prove_audit(at=NOW, progress=kill)
    reached: list[int] = []
    proof = prove_audit(at=NOW, progress=lambda at: reached.append(at.seal))
    assert (reached[0], proof.sound, proof.entries) == (3, True, 9)


def test_a_run_since_the_last_takes_only_what_is_new() -> None:
    write()
    seal()
    assert prove(since_last=True).entries == 3
    write(2)
    seal()
    assert prove(since_last=True).entries == 2
    last = find_last_proof()
    assert last is not None
    assert (last.seal, last.sound) == (2, True)


def test_the_commands_say_what_they_did() -> None:
    write()
    out = StringIO()
    call_command("seal_audit", stdout=out)
    call_command("seal_audit", stdout=out)
    call_command("verify_audit", "--since-last", stdout=out)
    text = out.getvalue()
    assert "Seal 1: 3 records" in text
    assert "Nothing new is settled." in text
    assert "3 records up to seal 1" in text
    day = summarise(open_store().days()[0])
    assert (day["entries"], day["totals"], day["stream"]) == (3, {"done": {"records": 3}}, "audit")
    assert open_store().last().leaves == 3  # type: ignore[union-attr]
