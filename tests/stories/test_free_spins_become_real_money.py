"""A player is given free spins, plays them, wins, and what is left of the winnings becomes real money.

granted → used | forfeited | expired; winnings wait in a bonus purse, open → released | taken back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kernel import clock
from players.types import PlayerDetails
from tests.factories import ACTOR, fund, make_game, make_player
from tests.rest.conftest import Api, problem
from tests.staff import staff_client
from tests.stories.faces import balance, heard, history, page
from wallet.selectors import list_transactions, sum_house
from wallet.services.free_spins import expire_free_spins
from wallet.services.purses import close_bonus_purse
from wallet.types import AccountKind

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player(db: None) -> PlayerDetails:
    make_game()
    make_game("wheel")
    someone = make_player()
    fund(someone.id, "10.00")
    return someone


def grant(api: Api, player: PlayerDetails, spins: int = 3, key: str = "welcome", **more: Any) -> dict[str, Any]:
    body = {"player_id": str(player.id), "spins": spins, "spin_value": "0.20", "currency": "EUR", "games": ["fruits"]}
    answer: dict[str, Any] = api.post("wallet/free-spins", body | more, key=key).json()
    return answer


def spin(api: Api, player: PlayerDetails, key: str, game: str = "fruits") -> Any:
    body = {"player_id": str(player.id), "game": game, "round": f"round-{key}", "currency": "EUR"}
    return api.post("wallet/free-bets", body, key=key)


def win(api: Api, player: PlayerDetails, bet_key: str, amount: str) -> dict[str, Any]:
    body = {"player_id": str(player.id), "bet_key": bet_key, "amount": amount, "currency": "EUR", "round_closed": True}
    answer: dict[str, Any] = api.post("wallet/wins", body).json()
    return answer


def spins_left(api: Api, player: PlayerDetails) -> list[int]:
    return [row["spins_left"] for row in api.get(f"players/{player.id}/free-spins").json()["items"]]


def test_played_to_the_last_spin_and_the_winnings_turned_over(api: Api, player: PlayerDetails) -> None:
    granted = grant(api, player, winnings={"stake_cap": "5.00"})
    assert grant(api, player, winnings={"stake_cap": "5.00"})["purse_id"] == granted["purse_id"], (
        "asked twice, given once"
    )
    (purse,) = api.get(f"players/{player.id}/free-spins").json()["items"]
    assert (purse["purse_id"], purse["spins_left"], purse["games"]) == (granted["purse_id"], 3, ["fruits"])
    problem(spin(api, player, "elsewhere", game="wheel"), 422, "no_free_spins")
    for number, amount in enumerate(("0.00", "6.00", "1.50")):
        assert spin(api, player, f"s{number}").json()["outcome"] == "applied"
        win(api, player, f"s{number}", amount)
    problem(spin(api, player, "s3"), 422, "no_free_spins")
    assert spins_left(api, player) == [0]
    holding = api.get(f"players/{player.id}/balance").json()
    assert (holding["real"], holding["bonus"]) == ("10.00", "7.50"), "wins wait as bonus money"
    assert all(row["closed_at"] for row in api.get(f"players/{player.id}/rounds").json()["items"])

    closed = close_bonus_purse(
        player_id=player.id, purse_id=purse["winnings_purse_id"], release=True, currency="EUR", source="casino",
        idempotency_key="wagered", actor=ACTOR, at=clock.now(),
    )  # fmt: skip
    assert closed.ok
    assert balance(api, player.id) == "17.50"
    rest = {"player_id": str(player.id), "purse_id": granted["purse_id"]}
    assert api.post("wallet/free-spins/forfeits", rest).json()["outcome"] == "applied"
    assert spins_left(api, player) == []
    rounds = ["free_bet", "free_win"] * 3
    assert [kind for kind, _, _ in history(api, player.id)] == ["deposit", "spins_grant", *rounds, "bonus_release"]
    told = ["free-bet-placed", "free-win-credited", "round-settled"] * 3
    assert heard(player.id, "free-", "purse-", "round-") == [
        "free-spins-granted", *told, "purse-closed", "free-spins-ended",
    ]  # fmt: skip
    assert [str(sum_house(kind)["EUR"]) for kind in (AccountKind.BONUS_COST, AccountKind.SPINS_ISSUED)] == [
        "-7.50",
        "0.00",
    ]
    line = next(row for row in list_transactions(player.id) if row.kind == "bonus_release")
    assert "7.50" in page(staff_client("finance"), "wallet_transfer", line.id)


def test_straight_to_real_money_where_nothing_is_to_be_turned_over(api: Api, player: PlayerDetails) -> None:
    grant(api, player)
    spin(api, player, "s1")
    assert win(api, player, "s1", "4.00")["balance"]["real"] == "14.00"
    undone = api.post("wallet/rollbacks", {"player_id": str(player.id), "bet_key": "s1"}).json()
    assert undone["balance"]["real"] == "10.00"
    assert spins_left(api, player) == [3], "the spin comes back with its round"


def test_forgotten_spins_end_by_themselves_and_a_late_win_is_still_paid(api: Api, player: PlayerDetails) -> None:
    now = clock.now()
    grant(api, player, active_until=(now + timedelta(days=7)).isoformat())
    spin(api, player, "s1")
    assert expire_free_spins(at=now + timedelta(days=7)) == 1
    assert spins_left(api, player) == []
    problem(spin(api, player, "s2"), 422, "no_free_spins")
    assert win(api, player, "s1", "4.00")["balance"]["real"] == "14.00"
    assert heard(player.id, "free-")[-2:] == ["free-spins-ended", "free-win-credited"]
