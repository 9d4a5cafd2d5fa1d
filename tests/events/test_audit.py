"""The audit trail: what a record holds, that it stays, and that its writers do not wait for each other."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from events.audit import open_value, record
from events.services.log import holding
from events.types import AuditOutcome
from kernel import vault
from kernel.actors import Actor, ActorKind
from kernel.context import client_ip, request_id, user_agent
from kernel.db import fetch_all, fetch_one
from kernel.ids import uuid7
from tests.database import owner_url
from tests.factories import AT

pytestmark = pytest.mark.usefixtures("db")

STAFF = Actor(ActorKind.STAFF, "7", frozenset({"players.view_player"}), frozenset({"support_lead", "analyst"}))


def note(**changes: Any) -> None:
    record(**{"action": "players.change_status", "actor": STAFF, "at": AT, **changes})


def rows() -> list[dict[str, Any]]:
    return fetch_all("SELECT * FROM events_auditrecord ORDER BY chain, sequence")


def test_a_record_says_who_did_what_to_whom_from_where_and_why() -> None:
    player_id = uuid7()

    def within_a_request() -> None:
        request_id.set("request-0001")
        client_ip.set("2001:db8::7")
        user_agent.set("Browser/1")
        note(
            player_id=player_id,
            object_type="players.player",
            object_id=str(player_id),
            reason="asked for it on the phone, card 4111 1111 1111 1111",
            before={"status": "active"},
            after={"status": "suspended"},
        )

    copy_context().run(within_a_request)
    [row] = rows()
    assert (row["action"], row["outcome"], row["occurred_at"]) == ("players.change_status", "done", AT)
    assert (row["actor_kind"], row["actor_id"], row["actor_roles"]) == ("staff", "7", ["analyst", "support_lead"])
    assert (row["player_id"], row["object_type"], row["object_id"]) == (player_id, "players.player", str(player_id))
    assert (str(row["ip"]), row["user_agent"], row["request_id"]) == ("2001:db8::7", "Browser/1", "request-0001")
    assert row["reason"] == "asked for it on the phone, card [card ••1111]"
    assert fetch_one("SELECT before->>'status', after->>'status' FROM events_auditrecord") == ("active", "suspended")


def test_personal_values_are_sealed_under_the_players_key_and_erased_with_it() -> None:
    player_id = uuid7()
    note(player_id=player_id, before={"email": "ada@example.com", "language": "de"}, after={"email": ""})
    kept: dict[str, str] = fetch_one("SELECT before FROM events_auditrecord")[0]
    kept = json.loads(kept) if isinstance(kept, str) else kept
    assert kept["language"] == "de"
    assert "ada@" not in str(kept)
    assert open_value(player_id, kept["email"]) == "ada@example.com"
    assert open_value(player_id, "plain") == "plain"
    vault.destroy(player_id, at=AT)
    assert open_value(player_id, kept["email"]) == "(erased)"
    note(player_id=player_id, before={"email": "ada@example.com"})
    assert fetch_one("SELECT count(*) FROM events_auditrecord WHERE before->>'email' = '(changed)'") == (1,)


def test_personal_values_of_nobody_are_not_kept() -> None:
    note(
        before={"email": "ada@example.com", "profile.phone": "+4915112345678", "language": "de"},
        after={"email": "ada@example.org", "profile.phone": "", "language": "en"},
        outcome=AuditOutcome.FAILED,
    )
    before, after = fetch_one("SELECT before::text, after::text FROM events_auditrecord")
    assert '"language": "de"' in before
    assert '"language": "en"' in after
    assert "ada@" not in before + after
    assert "+4915112345678" not in before
    assert before.count("(changed)") == 2


def test_a_record_goes_with_the_deed_that_is_undone() -> None:
    with transaction.atomic():
        note(action="lost")
        transaction.set_rollback(True)
    with transaction.atomic():
        note(action="outer")
        try:
            with transaction.atomic():
                note(action="inner")
                raise ValueError
        except ValueError:
            note(action="after")
    assert [row["action"] for row in rows()] == ["outer", "after"]
    assert [row["sequence"] for row in rows()] == [1, 2]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events_auditrecord SET reason = 'x'",
        "DELETE FROM events_auditrecord",
        "TRUNCATE events_auditrecord",
        "UPDATE events_auditchain SET sequence = 0",
    ],
)
def test_the_trail_cannot_be_changed_by_the_application(statement: str) -> None:
    note()
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_not_even_its_owner_changes_the_trail_by_accident() -> None:
    note()
    for statement in ("UPDATE {} SET reason = 'x'", "DELETE FROM {}", "TRUNCATE {}"):
        for table in ("events_auditrecord", fetch_one("SELECT tableoid::regclass::text FROM events_auditrecord")[0]):
            with psycopg.connect(owner_url()) as owner, pytest.raises(psycopg.Error, match="append-only"):
                owner.execute(statement.format(table))


def test_the_application_cannot_write_around_the_function() -> None:
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("INSERT INTO events_auditrecord SELECT * FROM events_auditrecord")


def test_records_of_one_chain_follow_each_other_by_number_and_hash() -> None:
    with transaction.atomic():
        for number in range(5):
            note(object_id=str(number))
    chain = rows()
    assert [row["sequence"] for row in chain] == [1, 2, 3, 4, 5]
    assert len({row["chain"] for row in chain}) == 1
    links = fetch_all(
        """SELECT r.hash = events_audit_hash(lag(r.hash, 1, '') OVER (PARTITION BY chain ORDER BY sequence), r) AS fits
           FROM events_auditrecord r"""
    )
    assert [row["fits"] for row in links] == [True] * 5


def test_nobody_waits_for_another_writer_and_no_chain_has_a_gap() -> None:
    """Every transaction stays open until all have written: with one lock for all this would never end."""
    writers = 8
    together = Barrier(writers, timeout=20)

    def write(number: int) -> None:
        try:
            for _ in range(3):
                with transaction.atomic():
                    note(object_id=str(number))
                    together.wait()
        finally:
            connection.close()

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    assert len(rows()) == 3 * writers
    for chain in {row["chain"] for row in rows()}:
        numbers = [row["sequence"] for row in rows() if row["chain"] == chain]
        assert numbers == list(range(1, len(numbers) + 1))


def test_it_is_written_after_the_players_are_held() -> None:
    player_id = uuid7()
    with holding(player_id):
        note(player_id=player_id)
    assert rows()[0]["player_id"] == player_id
