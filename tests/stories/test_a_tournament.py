"""A player buys into a tournament, with the house's fee on top, plays it, and is paid the prize; or it is called off.

bought in → rebought → settled (prize or none) | refunded, fees included.
"""

from __future__ import annotations

from typing import Any

import pytest

from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.factories import ACTOR, AT, fund, make_game, make_player
from tests.rest.conftest import Api, problem
from tests.staff import staff_client
from tests.stories.faces import balance, heard, history, page
from tests.wallet.purses import charge
from wallet.selectors import list_transactions, sum_house
from wallet.types import AccountKind, GameCategory
from wallet.types_purses import FeeKind

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player(db: None) -> PlayerDetails:
    make_game("holdem", GameCategory.TABLE)
    charge(FeeKind.TOURNAMENT_BUY_IN, percent="10")
    someone = make_player()
    fund(someone.id, "100.00")
    return someone


def post(api: Api, player: PlayerDetails, path: str, key: str | None = None, **body: Any) -> Any:
    return api.post(f"wallet/{path}", {"player_id": str(player.id), **body}, key=key)


CUP = {"tournament": "spring cup", "currency": "EUR"}


def test_from_buy_in_to_prize_with_a_side_bet_on_the_way(api: Api, player: PlayerDetails) -> None:
    for _ in range(2):  # the first answer was lost
        entered = post(api, player, "tournaments/buy-ins", "in", **CUP, amount="20.00").json()
        assert entered["balance"]["real"] == "78.00"
    problem(post(api, player, "tournaments/buy-ins", **CUP, amount="20.00"), 422, "already_entered")
    assert post(api, player, "tournaments/rebuys", **CUP, amount="10.00").json()["balance"]["real"] == "67.00"
    assert api.get(f"players/{player.id}/balance").json()["tournament"] == "30.00"

    side = {"game": "holdem", "round": "table 7", "stake": "68.00", "currency": "EUR"}
    problem(post(api, player, "bets", **side), 422, "insufficient_funds")  # what is bought in can't be staked elsewhere
    post(api, player, "bets", "side", **side | {"stake": "7.00"})
    post(api, player, "wins", bet_key="side", amount="9.00", currency="EUR", round_closed=True)
    problem(post(api, player, "bets", **side | {"stake": "1.00"}), 422, "round_closed")

    impose(player_id=player.id, kind=RestrictionKind.PLAY_BLOCK, reason="asked", source="test", actor=ACTOR, at=AT)
    for _ in range(2):
        settled = post(api, player, "tournaments/settlements", "prize", **CUP, prize="150.00").json()
        assert settled["balance"]["real"] == "219.00", "who may not play any more is still paid what was won"
    problem(post(api, player, "tournaments/settlements", **CUP, prize="150.00"), 404, "unknown_reference")
    assert history(api, player.id) == [
        ("deposit", "100.00", "100.00"),
        ("tournament_buy_in", "-2.00", "78.00"),  # what changed purses is theirs still; the fee is gone
        ("tournament_rebuy", "-1.00", "67.00"),
        ("bet", "-7.00", "60.00"),
        ("win", "9.00", "69.00"),
        ("tournament_settle", "120.00", "219.00"),
    ]
    assert heard(player.id, "tournament-", "round-") == [
        "tournament-bought-in", "tournament-bought-in", "round-settled", "tournament-settled",
    ]  # fmt: skip
    assert {kind: str(sum_house(kind)["EUR"]) for kind in (AccountKind.FEES, AccountKind.TOURNAMENTS)} == {
        AccountKind.FEES: "3.00", AccountKind.TOURNAMENTS: "-120.00",
    }  # fmt: skip
    line = next(row for row in list_transactions(player.id) if row.kind == "tournament_settle")
    assert "150.00" in page(staff_client("finance"), "wallet_transfer", line.id)


def test_out_in_the_first_round(api: Api, player: PlayerDetails) -> None:
    post(api, player, "tournaments/buy-ins", **CUP, amount="20.00")
    assert post(api, player, "tournaments/settlements", **CUP, prize="0.00").json()["balance"]["real"] == "78.00"
    assert str(sum_house(AccountKind.TOURNAMENTS)["EUR"]) == "20.00"


def test_called_off(api: Api, player: PlayerDetails) -> None:
    post(api, player, "tournaments/buy-ins", **CUP, amount="20.00")
    post(api, player, "tournaments/rebuys", **CUP, amount="20.00")
    assert post(api, player, "tournaments/refunds", tournament="spring cup").json()["balance"]["real"] == "100.00"
    problem(post(api, player, "tournaments/settlements", **CUP, prize="5.00"), 404, "unknown_reference")
    assert balance(api, player.id) == "100.00"
    assert heard(player.id, "tournament-") == ["tournament-bought-in", "tournament-bought-in", "tournament-refunded"]
    assert post(api, player, "tournaments/buy-ins", **CUP, amount="20.00").json()["outcome"] == "applied"


def test_a_player_who_is_blocked_does_not_enter(api: Api, player: PlayerDetails) -> None:
    impose(player_id=player.id, kind=RestrictionKind.PLAY_BLOCK, reason="asked", source="test", actor=ACTOR, at=AT)
    refused = post(api, player, "tournaments/buy-ins", **CUP, amount="20.00")
    problem(refused, 403, "play_block")
    assert balance(api, player.id) == "100.00"
    assert heard(player.id, "tournament-") == []
