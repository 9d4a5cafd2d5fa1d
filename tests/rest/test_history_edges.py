"""The history's borders: what is wrong in a question is said, and what is nowhere gives nothing."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.factories import AT, bet, fund, make_game, make_player
from tests.rest.conftest import Api, problem

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def path(db: None) -> str:
    make_game()
    player = make_player()
    fund(player.id)
    bet(player.id, "1.00")
    return f"players/{player.id}"


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"purse": "wallet"}, "purse"),
        ({"kind": "gift"}, "kind"),
        ({"since": "yesterday"}, "since"),
        ({"limit": "100000"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"round": "x" * 201}, "round"),
        ({"rounds": "r1"}, "rounds"),
        ({"since": AT.isoformat(), "until": AT.replace(year=2025).isoformat()}, "until"),
    ],
)
def test_what_is_wrong_is_named(api: Api, path: str, question: dict[str, str], field: str) -> None:
    answer = problem(api.get(f"{path}/transactions", **question), 422, "validation_failed")
    assert list(answer["errors"]) == [field]


@pytest.mark.parametrize("cursor", ["nonsense", "é", "W10", "=" * 3000])
def test_a_bad_cursor_is_refused(api: Api, path: str, cursor: str) -> None:
    for what in ("transactions", "rounds"):
        answer = api.get(f"{path}/{what}", cursor=cursor)
        assert answer.json()["code"] in ("invalid_cursor", "validation_failed"), answer.content


def test_rounds_and_files_refuse_a_period_that_ends_before_it_begins(api: Api, path: str) -> None:
    backwards = {"since": AT.isoformat(), "until": AT.replace(year=2025).isoformat()}
    for what in ("rounds", "transactions.csv"):
        problem(api.get(f"{path}/{what}", **backwards), 422, "validation_failed")


def test_what_is_nowhere_gives_an_empty_page(api: Api, path: str) -> None:
    for question in ({"purse": "bonus"}, {"game": "nothing"}, {"round": "nothing"}, {"until": "1970-01-02T00:00:00Z"}):
        assert api.get(f"{path}/transactions", **question).json()["items"] == []
    problem(api.get(f"players/{uuid4()}/transactions"), 404, "unknown_player")
    problem(api.get(f"players/{uuid4()}/transactions.csv"), 404, "unknown_player")


def test_a_cursor_of_another_list_and_far_dates_do_no_harm(api: Api, path: str) -> None:
    first = api.get(f"{path}/transactions", limit=1).json()
    cursor = first["next"].split("cursor=")[1].split("&")[0]
    assert api.get(f"{path}/rounds", cursor=cursor).status_code == 200
    for moment in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        assert api.get(f"{path}/transactions", since=moment).status_code in (200, 422)
        assert api.get(f"{path}/transactions", until=moment).status_code in (200, 422)
