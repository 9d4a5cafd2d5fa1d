"""POST /wallet/bets:batch."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from players.types import PlayerDetails
from tests.factories import fund, make_game, make_player
from tests.rest.conftest import Api, problem

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player(db: None) -> PlayerDetails:
    make_game()
    player = make_player()
    fund(player.id, "10.00")
    return player


def item(player: PlayerDetails, key: str, stake: str = "1.00", **more: Any) -> dict[str, Any]:
    what = {"key": key, "player_id": str(player.id), "game": "fruits", "round": "r1", "stake": stake, "currency": "EUR"}
    return what | more


def test_each_item_has_its_own_answer(api: Api, player: PlayerDetails) -> None:
    items = [
        item(player, "a"),
        item(player, "b", "2.00", win="3.00"),
        item(player, "c", "50.00"),
        item(player, "a"),
        item(player, "a", "5.00"),
        item(player, "d") | {"player_id": str(uuid4())},
    ]
    answer = api.post("wallet/bets:batch", {"items": items}, headers={"Idempotency-Key": None})
    assert answer.status_code == 200
    answers = answer.json()["items"]
    assert [(a["key"], a["outcome"], a["reason"]) for a in answers] == [
        ("a", "applied", ""),
        ("b", "applied", ""),
        ("c", "refused", "insufficient_funds"),
        ("a", "replayed", ""),
        ("a", "conflict", ""),
        ("d", "refused", "unknown_player"),
    ]
    assert answers[0]["transfer_id"] == answers[3]["transfer_id"]
    assert answers[1]["win_transfer_id"]
    assert answers[0]["balance"] == {"currency": "EUR", "real": "9.00", "bonus": "0.00", "total": "9.00"}
    assert answers[5]["balance"] is None
    assert api.get(f"players/{player.id}/balance").json()["real"] == "10.00"


def test_what_is_wrong_is_named_by_the_items_number(api: Api, player: PlayerDetails) -> None:
    good = item(player, "a")
    for wrong, field in [
        (item(player, "b", 5), "items[1].stake"),  # type: ignore[arg-type]
        (item(player, "b", "5.001"), "items[1].stake"),
        (item(player, "b", currency="euro"), "items[1].currency"),
        (item(player, "b", player_id="x"), "items[1].player_id"),
        (item(player, "b", extra=1), "items[1].extra"),
        (item(player, " b"), "items[1].key"),
        (item(player, "b", win="-1.00"), "items[1].win"),
        ({key: value for key, value in item(player, "b").items() if key != "game"}, "items[1].game"),
        ("b", "items[1]"),
    ]:
        body = problem(api.post("wallet/bets:batch", {"items": [good, wrong]}), 422, "validation_failed")
        assert body["errors"].keys() == {field}, body
    assert api.get(f"players/{player.id}/balance").json()["real"] == "10.00"


def test_a_batch_has_at_most_a_thousand_items(api: Api, player: PlayerDetails) -> None:
    items = [item(player, f"k{n}", "0.01") for n in range(1001)]
    assert problem(api.post("wallet/bets:batch", {"items": items}), 413, "too_many_items")["max_items"] == 1000
    answer = api.post("wallet/bets:batch", {"items": items[:1000]})
    assert answer.status_code == 200
    assert {a["outcome"] for a in answer.json()["items"]} == {"applied"}
    problem(api.post("wallet/bets:batch", b" " * (1 << 20) + b" {}"), 413, "body_too_large")
    assert api.post("wallet/bets:batch", {"items": []}).json() == {"items": []}
