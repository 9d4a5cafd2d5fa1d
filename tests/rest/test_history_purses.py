"""A player's history by one purse, and all purses as of a moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from kernel import clock
from kernel.ids import uuid7
from players.selectors import get_player
from tests.factories import make_game, make_player
from tests.rest.conftest import problem
from tests.wallet.payments import pay_in, withdraw
from tests.wallet.purses import eur, give_bonus, on, said
from wallet.admin_panel import WalletAsOf
from wallet.selectors import get_balances
from wallet.selectors_history import get_balances_at
from wallet.services.bets import place_bet
from wallet.services.free_spins import grant_free_spins
from wallet.services.holds import reserve
from wallet.services.tournaments import buy_in
from wallet.types_purses import FreeSpinsTerms

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player() -> UUID:
    make_game()
    player_id = make_player().id
    pay_in(player_id, "100.00")
    return player_id


def test_a_history_is_filtered_by_one_grant(api: Any, player: UUID) -> None:
    first, second = give_bonus(player, "5.00", priority=-2), give_bonus(player, "5.00", priority=-1)
    place_bet(stake=eur("2.00"), **on(), **said(player))
    place_bet(stake=eur("4.00"), **on(), **said(player))  # the rest of the first, and of the second

    def found(purse: object) -> list[tuple[str, str]]:
        answer = api.get(f"players/{player}/transactions?purse={purse}")
        return [(row["kind"], row["amount"]) for row in answer.json()["items"]]

    assert found(first) == [("bet", "-4.00"), ("bet", "-2.00"), ("bonus_grant", "5.00")]
    assert found(second) == [("bet", "-4.00"), ("bonus_grant", "5.00")]
    assert len(found("bonus")) == 4
    assert found(uuid7()) == []
    problem(api.get(f"players/{player}/transactions?purse=shoe"), 422, "validation_failed")


def test_a_balance_as_of_a_moment_has_every_purse(player: UUID) -> None:
    before = clock.now()
    withdraw(player, "40.00")
    reserve(amount=eur("5.00"), **on(), **said(player))
    buy_in(tournament="cup", amount=eur("10.00"), **said(player))
    grant_free_spins(terms=FreeSpinsTerms(3, eur("0.50")), **said(player))

    def shown(at: datetime) -> dict[str, str]:
        return {name: str(value) for name, value in WalletAsOf().rows(get_player(player), at, None)}  # type: ignore[arg-type]

    after = clock.now() + timedelta(seconds=1)
    assert get_balances_at(player, after) == get_balances(player)
    nothing = {"Bonus money": "0.00", "Set aside": "0.00", "In tournaments": "0.00", "Free spins": "0"}
    assert shown(before) == {"Real money": "100.00"} | nothing
    assert shown(after) == {
        "Real money": "45.00", "Bonus money": "0.00", "Set aside": "45.00", "In tournaments": "10.00", "Free spins": "3",
    }  # fmt: skip
