"""Exclusions over REST: the player's own, in one call; and operators' systems'."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from kernel import clock
from players.selectors import find_player_by_login
from tests.factories import make_player
from tests.identity.calls import Program, person, registered
from tests.packs import activate
from tests.rest.conftest import Api, _fresh_tokens, api, problem, token_for  # noqa: F401  (fixtures)

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def program(token_for: Callable[..., str]) -> Program:  # noqa: F811
    """Somebody who is logged in."""
    return registered()[0]


def test_one_press_stops_everything_and_logs_out_everywhere(program: Program) -> None:
    pressed = program.api("POST", "me/exclusions/panic", **{"Idempotency-Key": ""})
    assert pressed.status_code == 201
    body = pressed.json()
    assert (body["kind"], body["term"]) == ("panic", "24h")
    assert program.api("GET", "me/profile").status_code == 401
    assert program.renew().status_code in (400, 401)


@pytest.mark.rule(34)
def test_a_self_exclusion_revokes_the_tokens_and_keeps_out(token_for: Callable[..., str]) -> None:  # noqa: F811
    program, data = registered()
    elsewhere = Program()
    assert elsewhere.login("email", data["email"]).status_code == 200
    offers = {row["kind"]: row for row in program.api("GET", "me/exclusion-offers").json()["items"]}
    assert offers.keys() == {"panic", "cooling_off", "self"}
    made = program.api("POST", "me/exclusions", {"kind": "self", "term": offers["self"]["terms"][0]})
    assert made.status_code == 201
    for one in (program, elsewhere):
        assert one.api("GET", "me/balance").status_code == 401
        assert one.renew().status_code in (400, 401)
    again = Program().login("email", data["email"])
    assert again.status_code == 403
    assert again.json()["errors"][0]["code"] == "self_excluded"


def test_after_a_break_the_player_sees_it_and_it_cannot_be_shortened(token_for: Callable[..., str]) -> None:  # noqa: F811
    program, data = registered()
    made = program.api("POST", "me/exclusions", {"kind": "cooling_off", "term": "1w", "reason": "tired"}).json()
    program = Program()
    assert program.login("email", data["email"]).status_code == 200, "a break stops play, not the way to one's money"
    (shown,) = program.api("GET", "me/exclusions").json()["items"]
    assert shown == made
    problem(program.api("POST", f"me/exclusions/{made['id']}/end-requests", {}), 409, "exclusion_binds")
    problem(program.api("POST", f"me/exclusions/{uuid4()}/end-requests", {}), 404, "not_found")


def test_a_player_asks_to_end_only_their_own(program: Program) -> None:
    other, _ = registered()
    found = other.api("POST", "me/exclusions", {"kind": "cooling_off", "term": "1w"}).json()
    problem(program.api("POST", f"me/exclusions/{found['id']}/end-requests", {}), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "self", "term": "3d"}, "term"),
        ({"kind": "self"}, "term"),
        ({"kind": "operator", "term": "1y"}, "kind"),
        ({"kind": "self", "term": "1y", "player_id": "x"}, "player_id"),
    ],
)
def test_what_a_player_cannot_choose(program: Program, body: dict[str, str], field: str) -> None:
    assert field in problem(program.api("POST", "me/exclusions", body), 422, "validation_failed")["errors"]


@pytest.mark.rule(38)
def test_operators_exclude_pass_on_the_wish_and_read(api: Api) -> None:  # noqa: F811
    activate("MT")
    player = make_player(country="MT")
    offers = {row["kind"]: row for row in api.get(f"players/{player.id}/exclusion-offers").json()["items"]}
    assert offers["third_party"]["closed"] is False
    body = {"player_id": str(player.id), "kind": "self", "term": "indefinite", "reason": "By phone"}
    made = api.post("compliance/exclusions", body, key="k1")
    assert made.status_code == 201
    assert api.post("compliance/exclusions", body, key="k1").json() == made.json()
    problem(api.post("compliance/exclusions", body | {"term": "1y"}, key="k1"), 409, "idempotency_conflict")
    found = made.json()
    assert api.get(f"compliance/exclusions/{found['id']}").json() == found
    listed = api.get("compliance/exclusions", player_id=str(player.id), standing="true").json()["items"]
    assert [row["id"] for row in listed] == [found["id"]]
    problem(api.post(f"compliance/exclusions/{found['id']}/end-requests", {"reason": ""}), 422, "validation_failed")
    asked = api.post(f"compliance/exclusions/{found['id']}/end-requests", {"reason": "Better now"}).json()
    assert (asked["state"], asked["takes_effect_at"]) == ("open", None)
    assert asked["due_at"] is not None
    assert api.get(f"players/{player.id}/register-checks").json()["items"] == []
    problem(api.get(f"compliance/exclusions/{uuid4()}"), 404, "not_found")
    problem(api.get(f"players/{uuid4()}/exclusion-offers"), 404, "unknown_player")


def test_it_takes_the_scopes(token_for: Callable[..., str]) -> None:  # noqa: F811
    reads = Api(token_for("compliance:read"))
    body = {"player_id": str(uuid4()), "kind": "panic"}
    problem(reads.post("compliance/exclusions", body), 403, "access_denied")
    problem(Api(token_for("players:read", client_id="other")).get("compliance/exclusions"), 403, "access_denied")


def test_who_is_listed_in_a_register_registers_nowhere(token_for: Callable[..., str]) -> None:  # noqa: F811
    activate("GB")
    program = Program()
    place = {"street": "1 High Street", "city": "London", "postcode": "SW1A 1AA"}
    listed = person(country="GB", last_name="Listed", **place)
    answer = program.auth("POST", "auth/signup", listed)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "excluded"
    assert find_player_by_login(listed["username"]) is None


def test_the_break_is_over_when_its_time_is(token_for: Callable[..., str]) -> None:  # noqa: F811
    program, data = registered()
    program.api("POST", "me/exclusions/panic")
    later = Program()
    assert later.login("email", data["email"]).status_code == 200
    assert later.api("GET", "me/restrictions").json()["items"][0]["kind"] == "cooling_off"
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1)):
        later = Program()
        assert later.login("email", data["email"]).status_code == 200
        assert later.api("GET", "me/restrictions").json()["items"] == []
