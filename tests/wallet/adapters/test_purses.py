"""Free spins of a player's purse and the ends of rounds, as aggregators bring them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from players.types import PlayerDetails
from tests.wallet.purses import eur, events, house, said
from wallet.selectors import get_balances
from wallet.services.free_spins import grant_free_spins
from wallet.types import AccountKind, PurseTerms
from wallet.types_purses import FreeSpinsTerms

pytestmark = pytest.mark.usefixtures("db")


def grant(player: PlayerDetails, **terms: Any) -> None:
    wanted = {"count": 5, "value": eur("0.50"), "games": ("fruits",)} | terms
    _, posting = grant_free_spins(terms=FreeSpinsTerms(**wanted), **said(player.id, str(uuid4())))
    assert posting.ok


def left(player: PlayerDetails) -> int:
    return get_balances(player.id).spins_left


def ended(player: PlayerDetails) -> list[str]:
    return [event.payload["round"] for event in events(player.id, "round-settled")]


def test_a_free_bet_uses_up_the_players_own_spins(aggregator: Any, player: PlayerDetails) -> None:
    grant(player)
    for _ in range(2):
        assert aggregator.bet("f1", "0.50", free=True).balance == "100.00"
    assert left(player) == 4
    assert aggregator.bet("f2", "1.00", free=True, round_id="r2").ok  # two at once
    assert left(player) == 2
    assert aggregator.win("w1", "f1", "7.00", free=True).balance == "107.00"
    assert aggregator.win("w2", "f1", "2.00", free=True).balance == "109.00"
    assert (house(AccountKind.BONUS_COST), house(AccountKind.SPINS_ISSUED)) == ("-9.00", "-1.00")


def test_wins_of_spins_may_be_bonus_money(aggregator: Any, player: PlayerDetails) -> None:
    grant(player, winnings=PurseTerms())
    aggregator.bet("f1", "0.50", free=True)
    aggregator.win("w1", "f1", "7.00", free=True)
    assert (str(get_balances(player.id).real), str(get_balances(player.id).bonus)) == ("100.00", "7.00")


def test_a_rollback_gives_the_spins_back(aggregator: Any, player: PlayerDetails) -> None:
    grant(player)
    aggregator.bet("f1", "1.00", free=True)
    aggregator.win("w1", "f1", "7.00", free=True)
    for _ in range(2):
        assert aggregator.undo("u1", "f1", "1.00").balance == "100.00"
    assert left(player) == 5


def test_a_rollback_before_its_free_bet_buries_it(aggregator: Any, player: PlayerDetails) -> None:
    grant(player)
    aggregator.undo("u1", "f1", "0.50")
    assert not aggregator.bet("f1", "0.50", free=True).ok
    assert left(player) == 5


def test_what_no_purse_fits_is_the_suppliers_own_promotion(aggregator: Any, player: PlayerDetails) -> None:
    grant(player, games=("bells",))
    assert aggregator.bet("f1", "0.50", free=True).balance == "100.00"
    assert aggregator.win("w1", "f1", "7.00", free=True).balance == "107.00"
    assert left(player) == 5


def test_a_bet_of_nothing_uses_up_no_spin(aggregator: Any, player: PlayerDetails) -> None:
    grant(player)
    assert aggregator.bet("b1", "0").ok
    assert left(player) == 5


def test_a_suppliers_promotion_says_so(connect: Callable[..., Any], player: PlayerDetails) -> None:
    grant(player)
    assert connect("hub88").bet("f1", "0.50", free=True, is_supplier_promo=True).ok
    assert left(player) == 5


def test_a_win_of_nothing_ends_the_round_and_bets_on_it_are_refused(aggregator: Any, player: PlayerDetails) -> None:
    aggregator.bet("b1", "10.00")
    assert aggregator.win("w1", "b1", "0").ok
    assert ended(player) == ["r1"]
    assert aggregator.bet("b1", "10.00").ok  # a copy
    refused = aggregator.bet("b2", "10.00")
    assert (
        refused.error == {"hub88": "RS_ERROR_UNKNOWN", "swipegames": "409", "igsp": "round_closed"}[aggregator.protocol]
    )
    assert aggregator.win("w2", "b1", "3.00").balance == "93.00"  # late, and paid
    assert ended(player) == ["r1"]


def test_the_protocol_that_says_so_ends_rounds_by_bet_win_and_rollback(
    connect: Callable[..., Any], player: PlayerDetails
) -> None:
    hub88 = connect("hub88")
    hub88.bet("b1", "1.00")
    hub88.win("w0", "b1", "0", round_closed=False)
    assert ended(player) == []
    hub88.win("w1", "b1", "2.00", round_closed=True)
    assert ended(player) == ["r1"]
    hub88.bet("b2", "1.00", round_id="r2", round_closed=True)
    assert ended(player) == ["r1", "r2"]
    hub88.bet("b3", "1.00", round_id="r3")
    for _ in range(2):
        assert hub88.undo("u3", "b3", round="r3").ok
    assert ended(player) == ["r1", "r2", "r3"]
    grant(player)
    hub88.bet("f4", "0.50", round_id="r4", free=True, round_closed=True)
    assert ended(player) == ["r1", "r2", "r3", "r4"]
