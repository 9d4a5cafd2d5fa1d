"""A player's money in a tournament: in, in again, out as a prize, back."""

from __future__ import annotations

from uuid import UUID

import pytest

from kernel.money import Money
from players.services.restrictions import impose
from players.types import RestrictionKind
from tests.factories import ACTOR, AT, fund, make_player
from tests.wallet.purses import charge, entries, eur, events, holds, house, outcome, said
from wallet.selectors import get_balances, list_purses, list_transactions
from wallet.services.tournaments import buy_in, refund_tournament, settle_tournament
from wallet.types import AccountKind, Posting
from wallet.types_purses import FeeKind

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player() -> UUID:
    player_id = make_player().id
    fund(player_id, "100.00")
    return player_id


def enter(player: UUID, amount: str = "20.00", key: str = "", *, rebuy: bool = False, cup: str = "cup") -> Posting:
    return buy_in(tournament=cup, amount=eur(amount), rebuy=rebuy, **said(player, key))


def settle(player: UUID, prize: str, key: str = "") -> str:
    return outcome(settle_tournament(tournament="cup", prize=eur(prize), **said(player, key)))


def refund(player: UUID, key: str = "") -> str:
    return outcome(refund_tournament(tournament="cup", currency="EUR", **said(player, key)))


def test_a_buy_in_goes_from_real_money_into_the_purse_with_its_fee_beside(player: UUID) -> None:
    charge(FeeKind.TOURNAMENT_BUY_IN, percent="10")
    posting = enter(player)
    assert entries(posting.transfer_id) == {"real": [-2000, -200], "tournament": [2000], "fees": [200]}
    assert (str(posting.real), str(get_balances(player).tournament)) == ("78.00", "20.00")
    assert str(get_balances(player).total) == "78.00"  # it can't be staked elsewhere
    (row,) = (row for row in list_purses(player) if row.kind is AccountKind.TOURNAMENT)
    assert row.subject == "cup"
    assert (str(list_transactions(player)[0].fee), str(list_transactions(player)[0].amount)) == ("2.00", "-2.00")
    (told,) = events(player, "tournament-bought-in")
    assert (told.payload["amount"], told.payload["fee"], told.payload["rebuy"]) == ("20.00", "2.00", False)


def test_a_tournament_is_entered_once_then_rebought(player: UUID) -> None:
    assert outcome(enter(player, rebuy=True, key="r0")) == "unknown_reference"
    assert outcome(enter(player, key="b1")) == "applied"
    assert outcome(enter(player, key="b1")) == "replayed"
    assert outcome(enter(player, "25.00", key="b1")) == "conflict"
    assert outcome(enter(player, key="b2")) == "refused already_entered"
    assert outcome(enter(player, rebuy=True, key="r1")) == "applied"
    assert outcome(enter(player, cup="other")) == "applied"
    assert str(get_balances(player).tournament) == "60.00"


def test_a_retry_has_the_fee_of_its_first_copy(player: UUID) -> None:
    assert outcome(enter(player, key="b1")) == "applied"
    charge(FeeKind.TOURNAMENT_BUY_IN, fixed=100)
    assert outcome(enter(player, key="b1")) == "replayed"
    assert holds(player)[0] == "80.00"


def test_money_must_cover_the_fee_too(player: UUID) -> None:
    charge(FeeKind.TOURNAMENT_BUY_IN, fixed=1)
    assert outcome(enter(player, "100.00")) == "refused insufficient_funds"
    assert outcome(enter(player, "99.99")) == "applied"


def test_who_may_not_play_may_not_enter(player: UUID) -> None:
    impose(
        player_id=player,
        kind=RestrictionKind.PLAY_BLOCK,
        reason="x",
        source="staff",
        active_until=None,
        actor=ACTOR,
        at=AT,
    )
    assert outcome(enter(player)) == "refused play_block"
    posting = buy_in(tournament="cup", amount=Money(100, "SEK"), **said(make_player().id))
    assert outcome(posting) == "refused wrong_currency"


@pytest.mark.parametrize(
    ("prize", "real", "kept"), [("50.00", "110.00", "-10.00"), ("0", "60.00", "40.00"), ("40.00", "100.00", "0.00")]
)
def test_a_settled_purse_is_closed_and_its_prize_is_real_money(player: UUID, prize: str, real: str, kept: str) -> None:
    enter(player)
    enter(player, rebuy=True)
    assert settle(player, prize, "s1") == "applied"
    assert settle(player, prize, "s1") == "replayed"
    assert settle(player, prize, "s2") == "unknown_reference"
    assert holds(player) == (real, "0.00")
    assert house(AccountKind.TOURNAMENTS) == kept
    assert get_balances(player).tournament == eur("0")
    (told,) = events(player, "tournament-settled")
    assert (told.payload["paid_in"], told.payload["prize"]) == ("40.00", str(eur(prize)))


def test_a_refund_gives_everything_back_with_all_fees(player: UUID) -> None:
    charge(FeeKind.TOURNAMENT_BUY_IN, percent="5", fixed=50)
    enter(player)
    enter(player, "7.77", rebuy=True)
    assert house(AccountKind.FEES) == "2.39"  # 1.50 and 0.89
    assert refund(player, "u1") == "applied"
    assert refund(player, "u1") == "replayed"
    assert holds(player) == ("100.00", "0.00")
    assert (house(AccountKind.FEES), house(AccountKind.TOURNAMENTS)) == ("0.00", "0.00")
    (told,) = events(player, "tournament-refunded")
    assert (told.payload["amount"], told.payload["fee"]) == ("27.77", "2.39")
    assert outcome(enter(player)) == "applied"  # and may come again


def test_a_refund_of_another_entry_of_the_same_name_does_not_count_twice(player: UUID) -> None:
    charge(FeeKind.TOURNAMENT_BUY_IN, fixed=100)
    enter(player)
    refund(player)
    enter(player)
    assert refund(player) == "applied"
    assert holds(player) == ("100.00", "0.00")
    assert house(AccountKind.FEES) == "0.00"
