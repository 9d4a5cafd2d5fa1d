"""Free spins, tournaments, the end of rounds, jackpots and fees over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from players.types import PlayerDetails
from tests.factories import fund, make_game, make_player
from tests.rest.conftest import Api, problem
from tests.wallet.payments import instrument, pay_in
from tests.wallet.purses import charge
from wallet.services.jackpots import ensure_jackpot
from wallet.types_purses import FeeKind

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player() -> PlayerDetails:
    make_game()
    ensure_jackpot(code="mega", name="Mega", currency="EUR")
    player = make_player()
    fund(player.id, "100.00")
    return player


def post(api: Api, path: str, player: PlayerDetails, key: str | None = None, **body: Any) -> dict[str, Any]:
    answer = api.post(f"wallet/{path}", {"player_id": str(player.id), **body}, key=key)
    found: dict[str, Any] = answer.json()
    return found | {"status": answer.status_code}


def holding(api: Api, player: PlayerDetails) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"players/{player.id}/balance").json()
    return found


def test_free_spins_from_grant_to_forfeit(api: Api, player: PlayerDetails) -> None:
    grant: dict[str, Any] = {"spins": 3, "spin_value": "0.20", "currency": "EUR", "games": ["fruits"]}
    grant["winnings"] = {"stake_cap": "5.00", "game_categories": ["slots"]}
    granted = post(api, "free-spins", player, "g1", **grant)
    assert (granted["status"], granted["outcome"]) == (200, "applied")
    assert post(api, "free-spins", player, "g1", **grant)["purse_id"] == granted["purse_id"]
    assert post(api, "free-spins", player, "g1", **grant | {"games": []})["outcome"] == "conflict"
    round_ = {"game": "fruits", "round": "r1", "currency": "EUR"}
    assert post(api, "free-bets", player, "f1", **round_)["outcome"] == "applied"
    won = post(api, "wins", player, bet_key="f1", amount="7.00", currency="EUR")
    assert won["balance"]["bonus"] == "7.00"
    assert holding(api, player) == {
        "currency": "EUR", "real": "100.00", "bonus": "7.00", "total": "107.00", "free_spins": 2,
        "free_spins_value": "0.40", "tournament": "0.00", "held": "0.00",
    }  # fmt: skip
    assert post(api, "rollbacks", player, bet_key="f1")["balance"]["bonus"] == "0.00"
    assert holding(api, player)["free_spins"] == 3
    assert post(api, "free-spins/forfeits", player, purse_id=granted["purse_id"])["outcome"] == "applied"
    answer = api.post("wallet/free-bets", {"player_id": str(player.id), **round_})
    assert problem(answer, 422, "no_free_spins")["outcome"] == "refused"


def test_a_round_ends_by_itself_or_by_a_win_or_play(api: Api, player: PlayerDetails) -> None:
    bet = {"game": "fruits", "round": "r1", "stake": "1.00", "currency": "EUR"}
    assert post(api, "bets", player, "b1", **bet)["outcome"] == "applied"
    assert post(api, "rounds/close", player, game="fruits", round="r1")["outcome"] == "applied"
    assert post(api, "rounds/close", player, game="fruits", round="r1")["outcome"] == "replayed"
    assert post(api, "bets", player, **bet)["code"] == "round_closed"
    assert post(api, "plays", player, **bet | {"round": "r2"}, win="0.00", round_closed=True)["outcome"] == "applied"
    assert post(api, "plays", player, **bet | {"round": "r2"}, win="0.00")["code"] == "round_closed"
    assert post(api, "rounds/close", player, game="fruits", round="r9")["status"] == 404
    rounds = api.get(f"players/{player.id}/rounds").json()["items"]
    assert all(row["closed_at"] for row in rounds)


def test_jackpots_are_paid_into_and_won(api: Api, player: PlayerDetails) -> None:
    bet = {"game": "fruits", "round": "r1", "stake": "1.00", "currency": "EUR"}
    share = [{"jackpot": "mega", "amount": "0.0150"}]
    assert post(api, "bets", player, "b1", **bet, contributions=share)["outcome"] == "applied"
    assert post(api, "bets", player, "b1", **bet)["code"] == "idempotency_conflict"
    won = post(api, "jackpot-wins", player, bet_key="b1", jackpot="mega", amount="50.00", currency="EUR")
    assert won["balance"]["real"] == "149.00"
    assert api.get("wallet/jackpots").json()["items"] == [
        {"code": "mega", "name": "Mega", "balance": "-49.99", "currency": "EUR"}
    ]
    for amount in ("a lot", "NaN", "-1", "2.00", "0.000000001"):
        wrong = post(api, "bets", player, **bet, contributions=[{"jackpot": "mega", "amount": amount}])
        assert (wrong["status"], list(wrong["errors"])) == (422, ["contributions"])
    assert (
        post(api, "bets", player, **bet, contributions=[{"jackpot": "x", "amount": "0.1"}])["code"] == "unknown_jackpot"
    )


def test_a_pot_is_raked(api: Api, player: PlayerDetails) -> None:
    charge(FeeKind.RAKE, percent="5")
    post(api, "bets", player, "b1", game="fruits", round="r1", stake="1.00", currency="EUR")
    won = post(api, "wins", player, bet_key="b1", amount="20.00", currency="EUR", raked=True)
    assert won["balance"]["real"] == "118.00"
    newest = api.get(f"players/{player.id}/transactions").json()["items"][0]
    assert (newest["amount"], newest["fee"]) == ("19.00", "1.00")


def test_a_tournament_from_buy_in_to_prize_or_refund(api: Api, player: PlayerDetails) -> None:
    charge(FeeKind.TOURNAMENT_BUY_IN, percent="10")
    cup = {"tournament": "spring cup", "currency": "EUR"}
    assert post(api, "tournaments/rebuys", player, **cup, amount="10.00")["status"] == 404
    assert post(api, "tournaments/buy-ins", player, **cup, amount="10.00")["balance"]["real"] == "89.00"
    assert post(api, "tournaments/buy-ins", player, **cup, amount="10.00")["code"] == "already_entered"
    assert post(api, "tournaments/rebuys", player, **cup, amount="10.00")["balance"]["real"] == "78.00"
    assert holding(api, player)["tournament"] == "20.00"
    assert post(api, "tournaments/settlements", player, **cup, prize="50.00")["balance"]["real"] == "128.00"
    post(api, "tournaments/buy-ins", player, **cup, amount="10.00")
    assert post(api, "tournaments/refunds", player, tournament="spring cup")["balance"]["real"] == "128.00"


def test_what_a_withdrawal_costs_is_told_before_and_with_it(api: Api, player: PlayerDetails) -> None:
    charge(FeeKind.WITHDRAWAL, fixed=150)
    pay_in(player.id, "10.00")
    wanted = {"amount": "40.00", "currency": "EUR", "instrument_id": str(instrument(player.id).id)}
    quote = api.get("wallet/withdrawals/fee", player_id=str(player.id), **wanted).json()
    assert quote == {"amount": "40.00", "fee": "1.50", "receives": "38.50", "currency": "EUR"}
    asked = post(api, "withdrawals", player, **wanted)
    assert (asked["fee"], asked["charged"]) == ("1.50", "0.00")
    problem(
        api.get("wallet/withdrawals/fee", player_id=str(player.id), **wanted | {"amount": "1.50"}),
        422,
        "validation_failed",
    )
