"""Personal data over REST: in full with the scope for it, shortened without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from events.selectors_audit import list_looks
from tests.factories import make_player
from tests.rest.conftest import Api

pytestmark = pytest.mark.usefixtures("db")


def test_a_client_without_the_scope_sees_shortened_data(token_for: Callable[..., str]) -> None:
    anna = make_player(email="anna.keller@example.com", last_name="Keller")
    api = Api(token_for("players:read", "players:write"))
    for body in (
        api.get(f"players/{anna.id}").json(),
        api.get("players").json()["items"][0],
        api.patch(f"players/{anna.id}", {"language": "fr"}).json(),
    ):
        assert (body["email"], body["last_name"], body["birth_date"]) == ("a•••@e•••", "K•••", None)
    assert list_looks(anna.id) == []


def test_a_client_with_the_scope_sees_all_and_is_recorded_once_a_day(token_for: Callable[..., str]) -> None:
    anna = make_player(email="anna.keller@example.com", last_name="Keller")
    api = Api(token_for("players:read", "players:personal"))
    for _ in range(3):
        assert api.get(f"players/{anna.id}").json()["email"] == "anna.keller@example.com"
    [entry] = list_looks(anna.id)
    assert (entry.actor, entry.after) == ("client:casino", {"seen": "API"})


def test_a_list_is_shortened_and_who_asks_by_name_is_recorded(token_for: Callable[..., str]) -> None:
    anna = make_player(email="anna.keller@example.com", last_name="Keller")
    api = Api(token_for("players:read", "players:personal"))
    assert api.get("players").json()["items"][0]["last_name"] == "K•••"
    assert list_looks(anna.id) == []
    assert api.get("players", email="anna.keller@example.com").json()["items"][0]["last_name"] == "Keller"
    assert len(list_looks(anna.id)) == 1


def test_an_answer_to_a_change_is_a_look_too(token_for: Callable[..., str]) -> None:
    anna = make_player(email="anna.keller@example.com", last_name="Keller")
    api = Api(token_for("players:write", "players:personal"))
    assert api.patch(f"players/{anna.id}", {"language": "fr"}).json()["last_name"] == "Keller"
    assert len(list_looks(anna.id)) == 1
