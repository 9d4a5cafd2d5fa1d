"""Loyalty over HTTP."""

from __future__ import annotations

from uuid import uuid4

from tests.factories import make_player
from tests.rest.conftest import Api, problem


def test_levels(api: Api) -> None:
    levels = api.get("loyalty/levels").json()["items"]
    assert [level["order"] for level in levels] == sorted(level["order"] for level in levels)
    assert levels[0].keys() == {
        "code",
        "name",
        "order",
        "entry_eur",
        "keep_eur",
        "multiplier",
        "cashback",
        "privileges",
    }


def test_where_a_player_stands(api: Api) -> None:
    player = make_player()
    standing = api.get(f"loyalty/{player.id}").json()
    levels = api.get("loyalty/levels").json()["items"]
    assert (standing["level"], standing["next_level"]) == (levels[0], levels[1])
    assert (standing["points"], standing["to_next_eur"]) == (0, levels[1]["entry_eur"])
    assert api.get(f"loyalty/{player.id}/points").json() == {"items": [], "next": None}


def test_strangers(api: Api) -> None:
    problem(api.get(f"loyalty/{uuid4()}"), 404, "unknown_player")
    problem(api.get(f"loyalty/{uuid4()}/points"), 404, "unknown_player")
