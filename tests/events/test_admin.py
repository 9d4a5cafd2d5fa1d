"""The machinery's screens: log, consumers that are paused and resumed, dead letters that are repaired."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.models import DeadLetter, Event
from events.ports import get_consumer
from events.selectors import get_event, get_lag
from events.services.consuming import Runner
from kernel import clock
from players.services.restrictions import impose
from players.services.restrictions import lift as lift_restriction
from players.types import RestrictionKind
from tests.events.conftest import Probe, tell
from tests.factories import ACTOR, AT, make_player
from tests.staff import staff_client, text_of

pytestmark = pytest.mark.usefixtures("db")

CONSUMERS = "/admin/events/consumercursor/"


def address(action: str, letter: DeadLetter) -> str:
    return reverse(f"admin:events_deadletter_{action}", args=[letter.pk])


@pytest.fixture
def letter(probe: Probe) -> DeadLetter:
    """A poisoned event with another one of its player behind it."""
    probe.poison = {"bad"}
    player = tell("bad")
    tell("behind", player)
    Runner(get_consumer("probe")).drain(AT)
    return DeadLetter.objects.get(cause="poisoned")


def parked() -> int:
    return DeadLetter.objects.filter(state="parked").count()


# --- log ---


def test_the_log_is_listed_without_counting_and_searched_by_event_and_player() -> None:
    player, other = make_player(), make_player()
    client = staff_client("integrator")
    with CaptureQueriesContext(connection) as captured:
        response = client.get("/admin/events/event/")
    assert len(response.context["cl"].result_list) == 2
    assert not [query["sql"] for query in captured if "COUNT(" in query["sql"].upper()]
    (event,) = client.get("/admin/events/event/", {"q": str(player.id)}).context["cl"].result_list
    assert event.player_id == player.id
    (same,) = client.get("/admin/events/event/", {"q": str(event.pk)}).context["cl"].result_list
    assert same.pk == event.pk
    assert not client.get("/admin/events/event/", {"q": "text"}).context["cl"].result_list
    assert not client.get("/admin/events/event/", {"type": "wallet.bet-placed.v1"}).context["cl"].result_list
    assert other.id != player.id


def test_an_events_page_shows_its_payload() -> None:
    make_player(country="FR")
    event = Event.objects.get()
    shown = text_of(staff_client("integrator").get(reverse("admin:events_event_change", args=[event.pk])))
    assert "players.player-registered.v1" in shown
    assert "&quot;country&quot;: &quot;FR&quot;" in shown


def test_why_a_money_laundering_hold_was_lifted_is_hidden_in_the_log_too() -> None:
    player, at = make_player(), clock.now()
    held = impose(player_id=player.id, kind=RestrictionKind.AML_HOLD, reason="x", source="staff", actor=ACTOR, at=at)
    lift_restriction(restriction_id=held, reason="Case 118 closed", actor=ACTOR, at=at)
    page = reverse("admin:events_event_change", args=[Event.objects.get(type="players.restriction-lifted.v1").pk])
    assert "Case 118" not in text_of(staff_client("operations").get(page))
    assert "Case 118" in text_of(staff_client("auditor").get(page))


# --- consumers ---


def test_consumers_are_paused_with_a_reason_and_resumed(probe: Probe) -> None:
    client = staff_client("operations")
    pause = reverse("admin:events_consumercursor_pause", args=["probe"])
    assert "0 events behind" in text_of(client.get(pause))
    assert "This field is required" in text_of(client.post(pause, {"reason": ""}))
    assert not get_lag("probe", AT).paused
    client.post(pause, {"reason": "Provider is down"})
    assert get_lag("probe", AT).pause_reason == "Provider is down"
    assert "Paused" in text_of(client.get(CONSUMERS))
    resume = reverse("admin:events_consumercursor_resume", args=["probe"])
    assert "Provider is down" in text_of(client.get(resume))
    assert get_lag("probe", AT).paused, "looking at the page resumes nothing"
    client.post(resume)
    assert not get_lag("probe", AT).paused


def test_an_unknown_consumer_is_not_found() -> None:
    client = staff_client("operations")
    assert client.get(reverse("admin:events_consumercursor_pause", args=["nobody"])).status_code == 404


def test_roles_without_the_right_look_but_do_not_touch(probe: Probe) -> None:
    client = staff_client("auditor")
    pause = reverse("admin:events_consumercursor_pause", args=["probe"])
    shown = text_of(client.get(CONSUMERS))
    assert "probe" in shown
    assert pause not in shown
    assert client.post(pause, {"reason": "x"}).status_code == 403
    assert staff_client("support_agent").get(CONSUMERS).status_code == 403


# --- dead letters ---


def amend(client: Client, letter: DeadLetter, payload: object, reason: str = "Name was wrong") -> object:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return client.post(address("amend", letter), {"payload": text, "reason": reason})


def test_a_letter_is_repaired_and_replayed_with_what_waits_behind_it(probe: Probe, letter: DeadLetter) -> None:
    client = staff_client("operations")
    shown = text_of(client.get(address("change", letter)))
    assert "cannot take bad" in shown
    assert "1 other event of this player" in shown
    repaired = get_event(letter.event_id).payload | {"name": "good"}
    assert amend(client, letter, repaired).status_code == 302  # type: ignore[attr-defined]
    assert parked() == 2
    client.post(address("replay", letter))
    assert parked() == 0
    assert probe.seen() == ["good", "behind"]
    letter.refresh_from_db()
    assert letter.settled_by.startswith("staff:")


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ("{", "This is not JSON"),
        ([1], "must be a JSON object"),
        ({"name": "good"}, "missing fields"),
        ({"name": 5, "actor": "x"}, "is not str"),
    ],
)
def test_a_payload_that_does_not_fit_the_catalogue_is_refused(letter: DeadLetter, payload: object, says: str) -> None:
    response = amend(staff_client("operations"), letter, payload)
    assert says in text_of(response)
    assert get_event(letter.event_id).payload["name"] == "bad"


def test_a_letter_that_still_fails_stays_parked(letter: DeadLetter) -> None:
    staff_client("operations").post(address("replay", letter))
    assert parked() == 2
    letter.refresh_from_db()
    assert letter.attempts == 2


def test_a_letter_is_given_up_with_a_reason_only(letter: DeadLetter) -> None:
    client = staff_client("operations")
    assert "This field is required" in text_of(client.post(address("discard", letter), {"discard-reason": ""}))
    assert parked() == 2
    client.post(address("discard", letter), {"discard-reason": "Test data"})
    letter.refresh_from_db()
    assert letter.state == "discarded"
    assert "This dead letter" not in text_of(client.get(address("change", letter)))


def test_only_roles_with_the_right_settle_letters(letter: DeadLetter) -> None:
    client = staff_client("auditor")
    shown = text_of(client.get(address("change", letter)))
    assert "cannot take bad" in shown
    for action in ("amend", "replay", "discard"):
        assert address(action, letter) not in shown
        assert client.post(address(action, letter), {"discard-reason": "x"}).status_code == 403
    assert staff_client("operations").get(address("replay", letter)).status_code == 404
    assert parked() == 2
