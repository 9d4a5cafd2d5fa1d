"""A projection rebuilt from event zero is what it was; what was tampered with is found and replaced."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pytest

from events.catalogue.players import SettingChanged
from events.ports import get_consumer
from events.selectors import list_dead_letters
from events.services import dead_letters
from events.services.consuming import Runner
from events.services.log import publish
from events.services.rebuilding import RebuildOvertaken, rebuild
from events.types import RecordedEvent
from kernel.db import fetch_one
from tests.connections import Session
from tests.database import owner_url
from tests.events.conftest import Probe, tell
from tests.factories import ACTOR, AT

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def plain_probe(probe: Probe) -> Probe:
    """The probe's table without its counter: what a projection keeps must follow from the event alone."""
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute("ALTER TABLE probe_seen DROP COLUMN no")
    return probe


def run() -> None:
    Runner(get_consumer("probe")).drain(AT)


def names() -> list[str]:
    from kernel.db import fetch_all

    return [row["name"] for row in fetch_all("SELECT name FROM probe_seen ORDER BY name")]


def test_a_rebuild_equals_the_live_projection(plain_probe: Probe) -> None:
    for number in range(10):
        tell(str(number))
    run()
    progress: list[int] = []
    result = rebuild("probe", swap=False, progress=progress.append)
    assert result.equal
    assert result.events == 10
    assert progress[-1] == 10
    assert len(names()) == 10


def test_a_rebuild_goes_as_far_as_the_live_consumer(plain_probe: Probe) -> None:
    tell("taken")
    run()
    tell("not yet")
    assert rebuild("probe", swap=False).equal


def test_parked_and_discarded_events_are_left_out(plain_probe: Probe) -> None:
    plain_probe.poison = {"bad", "gone"}
    first, second = tell("bad"), tell("gone")
    tell("behind", first)
    tell("good")
    run()
    gone = next(letter for letter in list_dead_letters("probe") if letter.player_id == second)
    dead_letters.discard(letter_id=gone.id, reason="test", actor=ACTOR, at=AT)
    plain_probe.poison = set()
    assert rebuild("probe", swap=False).equal
    assert names() == ["good"]


def test_what_differs_is_found_and_swapped(plain_probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        tell(name)
    run()
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute("UPDATE probe_seen SET name = 'tampered' WHERE name = 'b'")
        owner.execute("DELETE FROM probe_seen WHERE name = 'c'")
    result = rebuild("probe", swap=False)
    assert (result.only_live, result.only_rebuilt) == ({"probe_seen": 1}, {"probe_seen": 2})
    assert names() == ["a", "tampered"]
    as_owner(monkeypatch)
    assert rebuild("probe", swap=True).swapped
    assert names() == ["a", "b", "c"]
    assert rebuild("probe", swap=False).equal


def test_nothing_is_published_while_rebuilding(plain_probe: Probe) -> None:
    def handle_and_publish(events: Sequence[RecordedEvent]) -> None:
        plain_probe.handle(events)
        assert publish(SettingChanged(player_id=None, occurred_at=AT, name="echo", actor="test")) is None

    tell("a")
    run()
    before = fetch_one("SELECT count(*) FROM events_event")
    object.__setattr__(get_consumer("probe"), "handle", handle_and_publish)
    assert rebuild("probe", swap=False).equal
    assert fetch_one("SELECT count(*) FROM events_event") == before


def test_functions_that_ran_before_write_to_the_shadows(plain_probe: Probe) -> None:
    """PostgreSQL keeps their plans for the session: written to the live table, the rows would be there already."""
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute(
            """CREATE FUNCTION probe_see(p_id uuid, p_player uuid, p_name text) RETURNS void LANGUAGE plpgsql AS $$
               BEGIN INSERT INTO probe_seen (id, player_id, name) VALUES (p_id, p_player, p_name); END $$"""
        )

    def handle_by_function(events: Sequence[RecordedEvent]) -> None:
        for event in events:
            fetch_one("SELECT probe_see(%s, %s, %s)::text", [event.id, event.player_id, event.payload["name"]])

    object.__setattr__(get_consumer("probe"), "handle", handle_by_function)
    for name in "ab":
        tell(name)
        run()
        assert rebuild("probe", swap=False).equal
    assert names() == ["a", "b"]


def test_a_rebuild_does_not_compare_what_a_replay_has_changed_under_it(plain_probe: Probe) -> None:
    plain_probe.poison = {"bad"}
    player = tell("bad")
    run()
    plain_probe.poison = set()

    def replay_meanwhile(done: int) -> None:
        if list_dead_letters("probe"):
            dead_letters.replay(consumer="probe", player_id=player, actor=ACTOR, at=AT)

    staff = Session()  # another connection: this one has the shadows before its tables
    with pytest.raises(RebuildOvertaken):
        rebuild("probe", swap=False, progress=lambda done: staff.do(lambda: replay_meanwhile(done)))
    staff.close()
    assert rebuild("probe", swap=False).equal


def as_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnect as the database's owner, as `manage.py events rebuild` does."""
    from urllib.parse import urlsplit

    from django.db import connection

    owner = urlsplit(owner_url())
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "USER", owner.username)
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", owner.password)
