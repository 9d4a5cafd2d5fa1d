"""Consumers: every effect exactly once, poisoned events parked, everything else goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psycopg
import pytest
from django.db import OperationalError, connection

from events.models import ConsumerCursor, DeadLetter
from events.ports import get_consumer
from events.selectors import get_event, get_lag, list_dead_letters
from events.services import dead_letters
from events.services.consuming import Runner, StaleEpoch
from events.services.dead_letters import NotParked, ReasonMissing
from kernel.db import fetch_all, fetch_one
from kernel.errors import NotFound
from kernel.ids import uuid7
from tests.connections import Session
from tests.database import owner_url
from tests.events.conftest import Probe, tell, tell_other
from tests.factories import ACTOR, AT, make_player

pytestmark = pytest.mark.usefixtures("db")


def run(at: object = AT) -> int:
    return Runner(get_consumer("probe")).drain(AT)


def test_events_are_taken_once_and_in_order(probe: Probe) -> None:
    player = tell("a")
    tell("b", player)
    run()
    tell("c", player)
    run()
    run()
    assert probe.seen() == ["a", "b", "c"]


def test_effects_and_cursor_stand_or_fall_together(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    tell("a")
    runner = Runner(get_consumer("probe"))
    monkeypatch.setattr(runner, "_move", lambda *args: (_ for _ in ()).throw(RuntimeError("crash after the effects")))
    with pytest.raises(RuntimeError):
        runner.run_once(AT)
    assert probe.seen() == []
    assert "crash" in ConsumerCursor.objects.get(name="probe").last_error
    run()
    assert probe.seen() == ["a"]


def test_a_poisoned_event_is_parked_and_the_rest_goes_on(probe: Probe) -> None:
    probe.poison = {"bad"}
    good = [tell(f"good{number}") for number in range(5)]
    victim = tell("before")
    tell("bad", victim)
    tell("after", victim)
    more = [tell(f"more{number}") for number in range(5)]
    run()
    assert sorted(probe.seen()) == sorted(["before", *(f"good{n}" for n in range(5)), *(f"more{n}" for n in range(5))])
    parked = [(letter.cause, get_event(letter.event_id).payload["name"]) for letter in list_dead_letters("probe")]
    assert parked == [("poisoned", "bad"), ("behind", "after")]
    assert len({*good, *more}) == 10
    assert ConsumerCursor.objects.get(name="probe").last_error == "ValueError: cannot take bad"


def test_later_events_of_a_parked_player_wait_behind_in_later_batches(probe: Probe) -> None:
    probe.poison = {"bad"}
    victim = tell("bad")
    run()
    tell("later", victim)
    tell("other")
    run()
    assert probe.seen() == ["other"]
    assert [letter.cause for letter in list_dead_letters("probe")] == ["poisoned", "behind"]


def test_several_poisoned_players_in_one_batch(probe: Probe) -> None:
    probe.poison = {"bad1", "bad2", "bad3"}
    for number in range(40):
        tell({7: "bad1", 8: "bad2", 33: "bad3"}.get(number, f"good{number}"))
    run()
    assert len(probe.seen()) == 37
    assert len(list_dead_letters("probe")) == 3


def test_replay_goes_on_in_order_and_stops_at_the_first_failure(probe: Probe) -> None:
    probe.poison = {"bad", "worse"}
    victim = tell("bad")
    tell("between", victim)
    tell("worse", victim)
    tell("last", victim)
    run()
    assert dead_letters.replay(consumer="probe", player_id=victim, actor=ACTOR, at=AT) == 0
    assert DeadLetter.objects.get(cause="poisoned").attempts == 2
    probe.poison = {"worse"}
    assert dead_letters.replay(consumer="probe", player_id=victim, actor=ACTOR, at=AT) == 2
    assert probe.seen() == ["bad", "between"]
    probe.poison = set()
    assert dead_letters.replay(consumer="probe", player_id=victim, actor=ACTOR, at=AT) == 2
    assert probe.seen() == ["bad", "between", "worse", "last"]
    with pytest.raises(NotFound):
        dead_letters.replay(consumer="probe", player_id=victim, actor=ACTOR, at=AT)
    tell("fresh", victim)
    run()
    assert probe.seen()[-1] == "fresh"


def test_an_amended_payload_is_read_and_the_log_stays_as_it_is(probe: Probe) -> None:
    probe.poison = {"bad"}
    victim = tell("bad")
    run()
    [letter] = list_dead_letters("probe")
    payload = get_event(letter.event_id).payload | {"name": "good"}
    dead_letters.amend_event(event_id=letter.event_id, payload=payload, reason="typo", actor=ACTOR, at=AT)
    dead_letters.replay(consumer="probe", player_id=victim, actor=ACTOR, at=AT)
    assert probe.seen() == ["good"]
    assert fetch_one("SELECT payload->>'name' FROM events_event WHERE id = %s", [letter.event_id])[0] == "bad"


def test_an_amendment_must_fit_the_event(probe: Probe) -> None:
    probe.poison = {"bad"}
    tell("bad")
    run()
    [letter] = list_dead_letters("probe")
    with pytest.raises(ValueError, match="missing fields"):
        dead_letters.amend_event(event_id=letter.event_id, payload={}, reason="typo", actor=ACTOR, at=AT)
    with pytest.raises(ReasonMissing):
        dead_letters.amend_event(event_id=letter.event_id, payload={}, reason=" ", actor=ACTOR, at=AT)


def test_a_discarded_event_lets_the_others_go(probe: Probe) -> None:
    probe.poison = {"bad"}
    victim = tell("bad")
    tell("after", victim)
    run()
    letter = list_dead_letters("probe")[0]
    dead_letters.discard(letter_id=letter.id, reason="never happened", actor=ACTOR, at=AT)
    with pytest.raises(NotParked):
        dead_letters.discard(letter_id=letter.id, reason="again", actor=ACTOR, at=AT)
    dead_letters.replay(consumer="probe", player_id=victim, actor=ACTOR, at=AT)
    assert probe.seen() == ["after"]


def test_what_staff_do_to_the_machinery_is_an_event(probe: Probe) -> None:
    dead_letters.pause_consumer(name="probe", reason="deploy", actor=ACTOR, at=AT)
    dead_letters.resume_consumer(name="probe", actor=ACTOR, at=AT)
    told = fetch_all("SELECT payload FROM events_event WHERE type = 'events.consumer-changed.v1' ORDER BY position")
    assert [(row["payload"]) for row in told] != []
    assert len(told) == 2


def test_a_paused_consumer_takes_nothing(probe: Probe) -> None:
    dead_letters.pause_consumer(name="probe", reason="deploy", actor=ACTOR, at=AT)
    tell("a")
    assert run() == 0
    dead_letters.resume_consumer(name="probe", actor=ACTOR, at=AT)
    run()
    assert probe.seen() == ["a"]


def test_a_database_error_parks_nothing(probe: Probe) -> None:
    probe.poison, probe.error = {"bad"}, OperationalError
    tell("bad")
    with pytest.raises(OperationalError):
        run()
    assert list_dead_letters("probe") == []
    probe.poison = set()
    run()
    assert probe.seen() == ["bad"]


def test_what_is_only_checked_at_commit_is_parked_too(probe: Probe) -> None:
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute(
            "ALTER TABLE probe_seen ADD FOREIGN KEY (player_id) REFERENCES players_player DEFERRABLE INITIALLY DEFERRED"
        )
    stranger = tell("of nobody")
    tell("good", make_player().id)
    run()
    assert probe.seen() == ["good"]
    [letter] = list_dead_letters("probe")
    assert letter.player_id == stranger
    assert "IntegrityError" in letter.error


def test_a_second_runner_stands_by(probe: Probe) -> None:
    tell("a")
    other = Session()
    other.begin()
    other.do(lambda: fetch_one("SELECT pg_advisory_xact_lock(hashtextextended('probe', 1))::text"))
    assert run() == 0
    other.commit()
    other.close()
    assert run() == 1


def test_an_event_of_no_player_is_parked_alone(probe: Probe) -> None:
    from django.db import transaction

    from events.catalogue.players import SettingChanged
    from events.services.log import publish

    probe.poison = {"bad"}
    for name in ("bad", "good"):
        with transaction.atomic():
            publish(SettingChanged(player_id=None, occurred_at=AT, name=name, actor="test"))
    run()
    assert probe.seen() == ["good"]
    [letter] = list_dead_letters("probe")
    probe.poison = set()
    assert dead_letters.replay(consumer="probe", player_id=None, event_id=letter.event_id, actor=ACTOR, at=AT) == 1


def test_lag_counts_what_waits(probe: Probe) -> None:
    player = tell("a")
    tell_other(player)
    lag = get_lag("probe", AT.replace(year=2099))
    assert (lag.events_behind, lag.parked, lag.paused) == (1, 0, False)
    assert lag.seconds_behind > 0
    run()
    lag = get_lag("probe", AT.replace(year=2099))
    assert (lag.events_behind, lag.seconds_behind, lag.handled) == (0, 0.0, 1)


def test_a_log_from_another_cluster_is_not_read(probe: Probe) -> None:
    import psycopg

    from tests.database import owner_url

    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute("UPDATE events_epoch SET system_identifier = 1")
    with pytest.raises(StaleEpoch, match="new-epoch"):
        Runner(get_consumer("probe"))
    assert fetch_one("SELECT events_new_epoch()")[0] == 2
    tell("in the new epoch")
    run()
    assert probe.seen() == ["in the new epoch"]


def test_everything_of_an_earlier_epoch_is_settled_whatever_its_xids(probe: Probe) -> None:
    import psycopg

    from tests.database import owner_url

    with psycopg.connect(owner_url(), autocommit=True) as owner:  # as a restored dump looks: high xids, old epoch
        owner.execute(
            "INSERT INTO events_event (epoch, xid, type, player_id, shard, occurred_at, payload)"
            " VALUES (1, 4000000000, 'players.setting-changed.v1', %s, 0, now(), %s)",
            [uuid7(), '{"name": "old", "actor": "test"}'],
        )
    run()
    assert probe.seen() == []
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute("UPDATE events_epoch SET system_identifier = 1")
    fetch_one("SELECT events_new_epoch()")
    tell("new")
    run()
    assert probe.seen() == ["old", "new"]


def test_a_killed_consumer_loses_and_doubles_nothing(db: None) -> None:
    """SIGKILL while it works; a second process finishes the log. Labels are the effect: one per player."""
    from tests.factories import make_player

    players = [make_player() for _ in range(30)]
    command = [sys.executable, "manage.py", "consume", "--all", "--drain"]
    first = subprocess.Popen(command, env=os.environ, stderr=subprocess.PIPE)
    while not fetch_one("SELECT EXISTS (SELECT FROM events_consumercursor WHERE handled > 0)")[0]:
        if first.poll() is not None:
            break
    first.send_signal(signal.SIGKILL)
    first.communicate()
    subprocess.run(command, env=os.environ, check=True, capture_output=True, timeout=60)
    connection.close()
    labels = fetch_one("SELECT count(*), count(DISTINCT player_id) FROM players_label WHERE namespace = 'loyalty'")
    assert labels == (len(players), len(players))
