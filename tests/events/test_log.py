"""The log: append-only, ordered, and never read past what is settled."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from events.catalogue.base import CATALOGUE, Event
from events.catalogue.players import SettingChanged
from events.selectors import Cursor, read_log
from events.services.log import LockRuleBroken, holding, lock_players, publish, publish_many
from events.services.partitions import ensure_ahead
from kernel.context import request_id
from kernel.db import fetch_all, fetch_one
from kernel.ids import uuid7
from players.models import SettingChange
from tests.connections import Session
from tests.database import owner_url
from tests.events.conftest import tell
from tests.factories import AT, make_player

pytestmark = pytest.mark.usefixtures("db")

NAMES = [SettingChanged.wire_name]


def setting(name: str, player_id: UUID) -> SettingChanged:
    return SettingChanged(player_id=player_id, occurred_at=AT, name=name, actor="test")


def read_names(after: Cursor = Cursor()) -> list[str]:  # noqa: B008  (frozen)
    return [event.payload["name"] for event in read_log(after, NAMES, 100)[0]]


def test_an_event_is_there_only_when_its_transaction_commits() -> None:
    player_id = uuid7()
    with transaction.atomic():
        lock_players([player_id])
        publish(setting("lost", player_id))
        transaction.set_rollback(True)
    tell("kept", player_id)
    assert read_names() == ["kept"]


def test_what_is_recorded_is_what_was_published() -> None:
    player_id = uuid7()
    token = request_id.set("request-0001")
    tell("colour", player_id)
    request_id.reset(token)
    [event] = read_log(Cursor(), NAMES, 10)[0]
    assert (event.player_id, event.occurred_at, event.request_id) == (player_id, AT, "request-0001")
    assert SettingChanged.from_log(event.player_id, event.occurred_at, event.payload) == setting("colour", player_id)
    assert 0 <= event.shard < 64


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events_event SET type = 'x'", "DELETE FROM events_event", "TRUNCATE events_event"],
)
def test_the_log_cannot_be_changed(statement: str) -> None:
    tell("colour")
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)
    partition = fetch_one("SELECT tableoid::regclass::text FROM events_event LIMIT 1")[0]
    for table in ("events_event", partition):
        with psycopg.connect(owner_url()) as owner, pytest.raises(psycopg.Error, match="append-only"):
            owner.execute(statement.replace("events_event", table))


def test_the_application_cannot_write_around_the_publishing_function() -> None:
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_event (epoch, xid, type, shard, occurred_at, payload) VALUES (1, 1, 'x', 0, now(), '{}')"
        )


def test_publishing_needs_a_transaction_that_holds_the_player() -> None:
    player_id = uuid7()
    with pytest.raises(LockRuleBroken, match="transaction"):
        publish(setting("x", player_id))
    with pytest.raises(LockRuleBroken, match="not locked"), transaction.atomic():
        publish(setting("x", player_id))
    with transaction.atomic():
        lock_players([uuid7()])
        with pytest.raises(LockRuleBroken, match="not locked"):
            publish(setting("x", player_id))
        transaction.set_rollback(True)


def test_many_events_are_recorded_as_if_one_by_one() -> None:
    players = [uuid7(), uuid7()]
    told = [setting(str(number), players[number % 2]) for number in range(20)]
    told.append(SettingChanged(player_id=None, occurred_at=AT, name="of nobody", actor="test"))
    with holding(*players):
        publish_many(told)
        publish(setting("last", players[0]))
    recorded = read_log(Cursor(), NAMES, 100)[0]
    assert [SettingChanged.from_log(e.player_id, e.occurred_at, e.payload) for e in recorded[:-1]] == told
    assert [e.payload["name"] for e in recorded if e.player_id == players[0]][-1] == "last"
    assert len({e.shard for e in recorded if e.player_id == players[0]}) == 1


def test_publishing_many_needs_a_transaction_that_holds_all_players() -> None:
    held, other = uuid7(), uuid7()
    with pytest.raises(LockRuleBroken, match="transaction"):
        publish_many([setting("x", held)])
    with pytest.raises(LockRuleBroken, match=f"{other} is not locked"), holding(held):
        publish_many([setting("x", held), setting("y", other)])
    assert read_names() == []


def test_a_transaction_that_has_written_cannot_lock_players_any_more() -> None:
    player = make_player()
    with transaction.atomic():
        SettingChange.objects.create(player_id=player.id, name="x", actor="test", changed_at=AT)
        with pytest.raises(LockRuleBroken, match="before the transaction's first write"):
            lock_players([player.id])
        transaction.set_rollback(True)


def test_locking_what_is_held_already_is_fine_after_writing() -> None:
    player = make_player()
    with transaction.atomic():
        lock_players([player.id])
        SettingChange.objects.create(player_id=player.id, name="x", actor="test", changed_at=AT)
        lock_players([player.id])
        publish(setting("x", player.id))
    assert read_names() == ["x"]


def test_a_lock_ends_with_its_transaction() -> None:
    player_id = uuid7()
    with transaction.atomic():
        lock_players([player_id])
    with pytest.raises(LockRuleBroken, match="not locked"), transaction.atomic():
        publish(setting("x", player_id))


def test_a_late_commit_is_not_skipped() -> None:
    """The horizon rule: a reader waits for the slow transaction instead of running past its events."""
    slow, slow_player = Session(), uuid7()
    slow.begin()
    slow.do(lambda: lock_players([slow_player]))
    slow.do(lambda: publish(setting("slow", slow_player)))
    tell("quick")  # begins later, commits first
    events, place = read_log(Cursor(), NAMES, 100)
    assert events == []
    slow.commit()
    assert read_names(place) == ["slow", "quick"]
    slow.close()


def test_a_plain_cursor_over_positions_would_have_skipped_it() -> None:
    """What the horizon protects from: position order alone shows the quick event before the slow one exists."""
    slow, slow_player = Session(), uuid7()
    slow.begin()
    slow.do(lambda: lock_players([slow_player]))
    slow.do(lambda: publish(setting("slow", slow_player)))
    tell("quick")
    visible = fetch_all("SELECT position FROM events_event")
    slow.commit()
    late = fetch_all("SELECT position FROM events_event WHERE payload->>'name' = 'slow'")
    slow.close()
    assert len(visible) == 1
    assert late[0]["position"] < visible[0]["position"]


def test_two_transactions_on_one_player_are_logged_in_the_order_in_which_they_happened() -> None:
    """The causal rule: the second gets its xid only once it holds the player."""
    player_id = uuid7()
    first, second = Session(), Session()
    first.begin()
    first.do(lambda: lock_players([player_id]))
    waiting = second.start(lambda: tell("second", player_id))
    # The first one gets its xid now, long after the second one began.
    first.do(lambda: publish(setting("first", player_id)))
    assert not waiting.done()
    first.commit()
    waiting.result(timeout=20)
    assert read_names() == ["first", "second"]
    first.close()
    second.close()


def test_locks_are_taken_in_one_order_so_nobody_waits_in_a_circle() -> None:
    players = [uuid7() for _ in range(8)]
    sessions = [Session(), Session()]

    def lock_and_tell(order: list[UUID], name: str) -> None:
        for _ in range(20):
            with transaction.atomic():
                lock_players(order)
                publish(setting(name, order[0]))

    running = [
        sessions[0].start(lambda: lock_and_tell(players, "up")),
        sessions[1].start(lambda: lock_and_tell(players[::-1], "down")),
    ]
    for work in running:
        work.result(timeout=30)  # a deadlock would raise here
    assert len(read_names()) == 40
    for session in sessions:
        session.close()


def test_a_reader_moves_past_what_does_not_interest_it() -> None:
    make_player()
    events, place = read_log(Cursor(), NAMES, 10)
    assert events == []
    assert place > Cursor()
    assert read_log(place, list(CATALOGUE), 10) == ([], place)


def test_reading_stops_at_a_given_place() -> None:
    for name in "abc":
        tell(name)
    events, _ = read_log(Cursor(), NAMES, 10)
    until = Cursor(events[1].epoch, events[1].xid, events[1].position)
    found, place = read_log(Cursor(), NAMES, 10, until)
    assert [event.payload["name"] for event in found] == ["a", "b"]
    assert place == until


def test_reading_a_batch_uses_the_order_index() -> None:
    for number in range(50):
        tell(str(number))
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT * FROM events_event e WHERE (e.epoch, e.xid, e.position) > (1, 5, 0)"
            " AND (e.epoch, e.xid) < (SELECT 1::smallint, 99999999::bigint) ORDER BY e.epoch, e.xid, e.position LIMIT 10"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert not any(line.strip(" ->").startswith("Sort  ") for line in plan.splitlines()), plan
    assert "epoch_xid_position_idx" in plan


def test_a_batch_does_not_read_the_backlog_behind_it() -> None:
    player_id = uuid7()
    with holding(player_id):
        publish_many([setting(str(number), player_id) for number in range(20_000)])
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute("ANALYZE events_event")
    first, place = read_log(Cursor(), NAMES, 10)
    with transaction.atomic():
        second, _ = read_log(place, NAMES, 10)
        rows_read = fetch_one(
            "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname LIKE 'events_event_%'"
        )[0]
    assert [event.payload["name"] for event in first + second] == [str(number) for number in range(20)]
    assert rows_read < 100


def test_partitions_are_there_a_year_ahead_and_made_once(settings: object) -> None:
    assert ensure_ahead(at=AT.replace(year=2031)) > 0
    assert ensure_ahead(at=AT.replace(year=2031)) == 0
    names = {row["name"] for row in fetch_all("SELECT inhrelid::regclass::text AS name FROM pg_inherits")}
    assert {"events_event_2031_03", "events_event_2032_03", "wallet_entry_2032_03"} <= names


def test_a_new_partition_cannot_be_written_around_its_table() -> None:
    ensure_ahead(at=AT.replace(year=2031))
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("INSERT INTO wallet_entry_2031_04 SELECT * FROM wallet_entry")


def test_every_event_survives_the_wire() -> None:
    """Each event of the catalogue, filled by its types, comes back equal."""
    from tests.events.samples import sample

    for event_type in CATALOGUE.values():
        event: Event = sample(event_type)
        assert event_type.from_log(event.player_id, event.occurred_at, event.payload()) == event
