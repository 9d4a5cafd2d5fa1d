"""Jackpots: paid into by bets to a millionth of a cent, paid out of with their own money."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from pytest_django import Settings

from kernel.errors import FieldErrors
from kernel.sealing import new_private_key
from tests.factories import fund, make_game, make_player
from tests.wallet.purses import entries, eur, events, give_bonus, holds, house, on, outcome, said
from wallet.selectors import list_jackpots
from wallet.services.bets import credit_win, place_bet, roll_back_bet
from wallet.services.free_spins import grant_free_spins, use_free_spins
from wallet.services.jackpots import ensure_jackpot, pay_jackpot
from wallet.services.sealing import seal_ledger
from wallet.types import AccountKind, Posting
from wallet.types_purses import FreeSpinsTerms, JackpotShare, RoundExtras

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player() -> UUID:
    make_game()
    ensure_jackpot(code="mega", name="Mega", currency="EUR")
    ensure_jackpot(code="mini", name="Mini", currency="EUR")
    player_id = make_player().id
    fund(player_id, "100.00")
    return player_id


def bet(player: UUID, key: str = "", stake: str = "10.00", **shares: str) -> Posting:
    extras = RoundExtras(tuple(JackpotShare(code, Decimal(amount)) for code, amount in shares.items()))
    return place_bet(stake=eur(stake), extras=extras, **said(player, key), **on())


def pay(player: UUID, bet_key: str, amount: str, key: str = "", jackpot: str = "mega") -> str:
    return outcome(pay_jackpot(bet_key=bet_key, jackpot=jackpot, amount=eur(amount), **said(player, key)))


def undo(player: UUID, bet_key: str) -> str:
    return outcome(roll_back_bet(bet_key=bet_key, currency="EUR", **said(player)))


def pots() -> dict[str, str]:
    return {row.code: str(row.balance) for row in list_jackpots()}


def test_a_contribution_is_entries_of_its_own_in_the_bet(player: UUID) -> None:
    posting = bet(player, mega="0.10", mini="0.05")
    assert entries(posting.transfer_id) == {"real": [-1000], "gaming": [1000, -10, -5], "jackpot": [10, 5]}
    assert pots() == {"mega": "0.10", "mini": "0.05"}
    assert [(e.payload["jackpot"], e.payload["amount"]) for e in events(player, "jackpot-contributed")] == [
        ("mega", "0.10"),
        ("mini", "0.05"),
    ]


def test_parts_of_a_cent_are_carried_until_they_are_one(player: UUID) -> None:
    for number in range(8):
        bet(player, f"b{number}", "1.00", mega="0.00125")
        assert pots()["mega"] == ("0.01" if number == 7 else "0.00")
    other = make_player().id
    fund(other)
    bet(other, stake="1.00", mega="0.00999999")
    assert pots()["mega"] == "0.01"  # what others carry is theirs


def test_a_rollback_takes_the_exact_part_back(player: UUID) -> None:
    bet(player, "b1", mega="0.006")
    bet(player, "b2", mega="0.006")
    assert pots()["mega"] == "0.01"
    undo(player, "b1")
    assert pots()["mega"] == "0.00"
    bet(player, "b3", mega="0.004")
    assert pots()["mega"] == "0.01"
    undo(player, "b2")
    undo(player, "b3")
    assert (pots()["mega"], holds(player)[0], house(AccountKind.GAMING)) == ("0.00", "100.00", "0.00")
    assert [e.payload["jackpot_contribution"] for e in events(player, "bet-rolled-back")] == ["0.01", "0.01", "0.00"]


def test_the_contribution_belongs_to_the_bets_content(player: UUID) -> None:
    assert outcome(bet(player, "b1", mega="0.10")) == "applied"
    assert outcome(bet(player, "b1", mega="0.10")) == "replayed"
    assert outcome(bet(player, "b1", mega="0.11")) == "conflict"
    assert outcome(bet(player, "b1")) == "conflict"
    assert pots()["mega"] == "0.10"


def test_a_contribution_is_refused_that_makes_no_sense(player: UUID) -> None:
    for shares in ({"mega": "0"}, {"mega": "-1"}, {"mega": "0.000000001"}, {"mega": "6", "mini": "4.01"}):
        with pytest.raises(FieldErrors):
            bet(player, **shares)
    assert outcome(bet(player, unheard="0.10")) == "refused unknown_jackpot"
    assert holds(player)[0] == "100.00"
    refused = bet(player, "b1", "500.00", mega="1")
    assert outcome(refused) == "refused insufficient_funds"
    assert pots()["mega"] == "0.00"


def test_a_jackpot_is_won_out_of_its_own_account_and_is_no_win(player: UUID) -> None:
    bet(player, "b1", mega="0.10")
    assert pay(player, "b1", "500.00", "j1") == "applied"
    assert pay(player, "b1", "500.00", "j1") == "replayed"
    assert pay(player, "b1", "501.00", "j1") == "conflict"
    assert pay(player, "b9", "500.00") == "unknown_reference"
    assert pay(player, "b1", "1.00", jackpot="unheard") == "refused unknown_jackpot"
    assert (holds(player)[0], pots()["mega"]) == ("590.00", "-499.90")
    assert house(AccountKind.GAMING) == "9.90"
    assert events(player, "win-credited") == []
    (won,) = events(player, "jackpot-won")
    assert (won.payload["jackpot"], won.payload["amount"]) == ("mega", "500.00")


def test_a_jackpot_follows_the_purses_of_the_stake(player: UUID) -> None:
    give_bonus(player, "50.00")
    bet(player, "b1", "150.00", mega="1")
    pay(player, "b1", "100.01")
    assert holds(player) == ("66.68", "33.33")


def test_undoing_a_bet_puts_its_jackpots_back(player: UUID) -> None:
    give_bonus(player, "50.00")
    bet(player, "b1", "150.00", mega="1")
    credit_win(bet_key="b1", amount=eur("9.00"), **said(player))
    pay(player, "b1", "100.01")
    assert undo(player, "b1") == "applied"
    assert (holds(player), pots()["mega"], house(AccountKind.GAMING)) == (("100.00", "50.00"), "0.00", "0.00")
    (undone,) = events(player, "bet-rolled-back")
    assert (undone.payload["won_real"], undone.payload["won_bonus"]) == ("6.00", "3.00")  # the jackpot is no win


def test_a_free_round_may_hit_a_jackpot(player: UUID) -> None:
    grant_free_spins(terms=FreeSpinsTerms(count=2, value=eur("0.20")), **said(player))
    use_free_spins(value=eur("0"), **said(player, "f1"), **on())
    assert pay(player, "f1", "500.00") == "applied"
    assert holds(player)[0] == "600.00"
    assert undo(player, "f1") == "applied"
    assert (holds(player)[0], pots()["mega"], house(AccountKind.BONUS_COST)) == ("100.00", "0.00", "0.00")


def test_jackpots_of_one_currency_have_accounts_of_their_own(player: UUID) -> None:
    bet(player, mega="1", mini="2")
    assert pots() == {"mega": "1.00", "mini": "2.00"}
    assert house(AccountKind.JACKPOT) == "3.00"


def test_sealed_jackpots_keep_apart_too(player: UUID, settings: Settings, tmp_path: Path) -> None:
    settings.SEAL_PRIVATE_KEYS, settings.SEALS_PATH = [new_private_key()], tmp_path
    bet(player, mega="1", mini="2")
    assert list(seal_ledger(at=datetime.now(UTC)))
    bet(player, mega="1")
    assert pots() == {"mega": "2.00", "mini": "2.00"}
    assert house(AccountKind.JACKPOT) == "4.00"
