"""Players over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from players.services.labels import set_label
from players.services.restrictions import impose
from players.types import RestrictionKind
from tests.factories import ACTOR, AT, make_player
from tests.packs import activate
from tests.rest.conftest import Api, problem

ANN = {
    "email": "ann@example.com",
    "login": "ann",
    "country": "DE",
    "currency": "EUR",
    "first_name": "Ann",
    "last_name": "Klein",
    "birth_date": "1990-05-17",
}


def register(api: Api, key: str | None = None, **changes: Any) -> dict[str, Any]:
    answer = api.post("players", ANN | changes, key=key)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def test_registration(api: Api) -> None:
    answer = api.post("players", ANN | {"phone": "0151 12345678", "birth_date": "1990-05-17", "source": "partner"})
    player = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == f"/api/v1/players/{player['id']}"
    assert api.get(answer["Location"]).json() == player
    assert (player["phone"], player["birth_date"], player["status"]) == ("+4915112345678", "1990-05-17", "active")
    assert player["confirm_status"] == "unverified"


def test_registration_again_with_the_same_key(api: Api) -> None:
    first = register(api, key="signup-1")
    assert register(api, key="signup-1") == first
    problem(api.post("players", ANN | {"login": "other"}, key="signup-1"), 409, "idempotency_conflict")
    assert len(api.get("players").json()["items"]) == 1


def test_every_wrong_field_of_a_registration_is_named(api: Api) -> None:
    body = {"email": "no", "login": "A", "country": "XX", "currency": "XXX", "birth_date": "2020-01-01", "phone": "1"}
    errors = problem(api.post("players", body), 422, "validation_failed")["errors"]
    assert errors.keys() == body.keys()
    assert "18" in errors["birth_date"][0]
    register(api)
    taken = problem(api.post("players", ANN | {"login": "ann2"}), 422, "validation_failed")
    assert list(taken["errors"]) == ["email"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": 5 * ["x"]}, "email"),
        ({"email": None}, "email"),
        ({"login": {"a": "b"}}, "login"),
        ({"login": "a\x00b"}, "login"),
        ({"first_name": "\x00"}, "first_name"),
        ({"first_name": "x" * 101}, "first_name"),
        ({"birth_date": "yesterday"}, "birth_date"),
        ({"birth_date": 19900517}, "birth_date"),
        ({"is_staff": True}, "is_staff"),
        ({"status": "closed"}, "status"),
    ],
)
def test_wrong_types_and_hostile_texts(api: Api, change: dict[str, Any], field: str) -> None:
    assert list(problem(api.post("players", ANN | change), 422, "validation_failed")["errors"]) == [field]


def test_what_a_country_asks_for_must_be_there_as_where_people_sign_up(api: Api) -> None:
    bare = {name: ANN[name] for name in ("email", "login", "country", "currency")}
    errors = problem(api.post("players", bare), 422, "validation_failed")["errors"]
    assert errors.keys() == {"first_name", "last_name", "birth_date"}
    first = register(api, key="before")
    activate("DE", "CA-ON")
    assert register(api, key="before") == first, "what was opened before the law asked for more"
    errors = problem(api.post("players", ANN | {"login": "_"}), 422, "validation_failed")["errors"]
    assert errors.keys() == {"login"}, "what is wrong is told before what is missing"
    more = {"login": "second", "email": "second@example.com"}
    errors = problem(api.post("players", ANN | more), 422, "validation_failed")["errors"]
    assert errors.keys() == {"birth_name", "birth_place", "street", "city", "postcode"}
    canadian = more | {"country": "CA", "region": "ON", "birth_date": "2008-05-17", "phone": "+14165550123"}
    errors = problem(api.post("players", ANN | canadian), 422, "validation_failed")["errors"]
    assert errors.keys() == {"street", "city", "postcode", "occupation", "affirmed", "birth_date"}
    assert "19" in errors["birth_date"][0]
    whole = {"street": "King Street 1", "city": "Toronto", "postcode": "M5V", "occupation": "baker", "affirmed": True}
    register(api, **canadian | whole | {"birth_date": "1990-05-17"})


def test_sql_in_a_name_is_a_name(api: Api) -> None:
    name = "Robert'); DROP TABLE players_player;--"
    assert register(api, first_name=name)["first_name"] == name


def test_list_and_filters(api: Api) -> None:
    late = make_player(at=AT + timedelta(days=1), country="MT", phone="+35621234567")
    early = make_player(at=AT)
    ids = [player["id"] for player in api.get("players").json()["items"]]
    assert ids == [str(late.id), str(early.id)]
    for query in ({"country": "MT"}, {"email": late.email.upper()}, {"login": late.login}, {"phone": "+35621234567"}):
        assert [player["id"] for player in api.get("players", **query).json()["items"]] == [str(late.id)], query
    assert api.get("players?phone=+35621234567").json()["items"][0]["id"] == str(late.id)
    assert api.get("players", status="closed").json() == {"items": [], "next": None}
    for query in ({"emial": "x"}, {"status": "rich"}, {"country": "GER"}, {"login": "\x00"}):
        assert list(problem(api.get("players", **query), 422, "validation_failed")["errors"]) == list(query)


def test_settings(api: Api) -> None:
    player = register(api)
    changed = api.patch(f"players/{player['id']}", {"city": "Wien", "language": "de-AT"}).json()
    assert changed == player | {"city": "Wien", "language": "de-AT"}
    assert api.patch(f"players/{player['id']}", {}).json() == changed
    for body, field in (
        ({"email": "x@example.com"}, "email"),
        ({"currency": "SEK"}, "currency"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"city": 5 * ["x"]}, "city"),
        ({"birth_date": None}, "birth_date"),
    ):
        assert list(problem(api.patch(f"players/{player['id']}", body), 422, "validation_failed")["errors"]) == [field]
    problem(api.patch(f"players/{uuid4()}", {"city": "Wien"}), 404, "unknown_player")


def test_status(api: Api) -> None:
    player = register(api)
    path = f"players/{player['id']}/status"
    assert api.post(path, {"status": "suspended", "reason": "asked for it"}).json()["status"] == "suspended"
    assert api.post(path, {"status": "suspended", "reason": "again"}).status_code == 200
    assert (
        problem(api.post(path, {"status": "erased", "reason": "x"}), 409, "status_move_refused")["current"]
        == "suspended"
    )
    assert list(problem(api.post(path, {"status": "happy", "reason": "x"}), 422, "validation_failed")["errors"]) == [
        "status"
    ]
    assert list(problem(api.post(path, {"status": "active", "reason": " "}), 422, "validation_failed")["errors"]) == [
        "reason"
    ]


def test_restrictions(api: Api) -> None:
    path = f"players/{register(api)['id']}/restrictions"
    made = api.post(path, {"kind": "play_block", "reason": "a break", "active_until": "2999-01-01T00:00:00+02:00"})
    restriction = made.json()
    assert made.status_code == 201
    assert (restriction["blocks"], restriction["imposed_by"], restriction["source"]) == (
        ["play"],
        "client:casino",
        "api",
    )
    assert restriction["active_until"] == "2998-12-31T22:00:00Z"
    assert api.get(path).json() == {"items": [restriction], "next": None}
    lift = f"{path}/{restriction['id']}/lift"
    assert api.post(lift, {"reason": "over"}).json()["lift_reason"] == "over"
    problem(api.post(lift, {"reason": "over"}), 409, "already_lifted")
    other = make_player()
    problem(api.post(f"players/{other.id}/restrictions/{restriction['id']}/lift", {"reason": "x"}), 404, "not_found")
    for body, field in (
        ({"kind": "bad_mood", "reason": "x"}, "kind"),
        ({"kind": "play_block", "reason": "x", "active_until": "2001-01-01T00:00:00Z"}, "active_until"),
        ({"kind": "play_block", "reason": "x", "active_until": "0001-01-01T00:00:00+14:00"}, "active_until"),
    ):
        assert list(problem(api.post(path, body), 422, "validation_failed")["errors"]) == [field]
    problem(api.post(f"players/{uuid4()}/restrictions", {"kind": "play_block", "reason": "x"}), 404, "unknown_player")
    problem(api.get(f"players/{uuid4()}/restrictions"), 404, "unknown_player")


def test_labels(api: Api) -> None:
    player = make_player()
    set_label(player_id=player.id, namespace="loyalty", key="level", value="gold", at=AT)
    label = {"namespace": "loyalty", "key": "level", "value": "gold", "since": "2026-03-14T15:09:26Z"}
    assert label in api.get(f"players/{player.id}/labels").json()["items"]
    problem(api.get(f"players/{uuid4()}/labels"), 404, "unknown_player")


def test_a_confidential_hold_has_a_neutral_name_and_is_not_lifted_here(api: Api) -> None:
    player = make_player()
    hold = impose(
        player_id=player.id, kind=RestrictionKind.AML_HOLD, reason="STR filed", source="rule 7", actor=ACTOR, at=AT
    )
    shown = api.get(f"players/{player.id}/restrictions")
    assert shown.json()["items"][0]["kind"] == "account_hold"
    assert b"STR" not in shown.content
    assert b"aml" not in shown.content
    lifted = api.post(f"players/{player.id}/restrictions/{hold}/lift", {"reason": "please"})
    problem(lifted, 403, "access_denied")
