"""Free spins: granted, used up, won with, given back, gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kernel.errors import FieldErrors
from tests.factories import AT, bet, fund, make_game, make_player
from tests.wallet.purses import entries, eur, events, holds, house, on, outcome, said
from wallet.selectors import get_balances, list_purses, list_transactions
from wallet.services.bets import credit_win, roll_back_bet
from wallet.services.free_spins import end_free_spins, expire_free_spins, grant_free_spins, use_free_spins
from wallet.services.purses import close_bonus_purse
from wallet.types import AccountKind, GameCategory, PurseDetails, PurseTerms
from wallet.types_purses import FreeSpinsTerms

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player() -> UUID:
    make_game()
    make_game("wheel", GameCategory.LIVE)
    return make_player().id


def grant(player: UUID, count: int = 10, value: str = "0.20", **terms: Any) -> UUID:
    purse_id, posting = grant_free_spins(terms=FreeSpinsTerms(count=count, value=eur(value), **terms), **said(player))
    assert posting.ok
    return purse_id


def purse(player: UUID, purse_id: UUID) -> PurseDetails:
    return next(row for row in list_purses(player) if row.id == purse_id)


def spin(player: UUID, key: str, value: str = "0", **more: Any) -> str:
    return outcome(use_free_spins(value=eur(value), **said(player, key), **(on() | more)))


def win(player: UUID, bet: str, amount: str, key: str = "") -> str:
    return outcome(credit_win(bet_key=bet, amount=eur(amount), **said(player, key)))


def undo(player: UUID, bet: str, key: str = "") -> str:
    return outcome(roll_back_bet(bet_key=bet, currency="EUR", **said(player, key)))


def test_granted_spins_are_no_money_and_no_cost(player: UUID) -> None:
    purse_id = grant(player, games=("fruits",))
    held = get_balances(player)
    assert (held.spins_left, str(held.free_spins), str(held.total)) == (10, "2.00", "0.00")
    assert (house(AccountKind.SPINS_ISSUED), house(AccountKind.BONUS_COST)) == ("-2.00", "0.00")
    assert purse(player, purse_id).spins_left == 10
    (granted,) = events(player, "free-spins-granted")
    assert (granted.payload["spins"], granted.payload["spin_value"]) == (10, "0.20")


def test_a_round_uses_one_spin_and_its_wins_are_real_money_at_the_cost_of_bonuses(player: UUID) -> None:
    purse_id = grant(player)
    assert spin(player, "f1") == "applied"
    assert spin(player, "f1") == "replayed"
    assert purse(player, purse_id).spins_left == 9
    assert win(player, "f1", "3.00") == "applied"
    assert win(player, "f1", "1.50") == "applied"  # several wins on one round
    assert holds(player) == ("4.50", "0.00")
    assert (house(AccountKind.BONUS_COST), house(AccountKind.SPINS_ISSUED)) == ("-4.50", "-1.80")
    assert house(AccountKind.GAMING) == "0.00"
    (placed,) = events(player, "free-bet-placed")
    assert (placed.payload["spins"], placed.payload["purse_id"]) == (1, str(purse_id))


def test_a_round_of_several_spins(player: UUID) -> None:
    purse_id = grant(player)
    assert spin(player, "f1", "0.60") == "applied"
    assert purse(player, purse_id).spins_left == 7
    assert spin(player, "f2", "0.50") == "refused no_free_spins"  # two and a half
    assert spin(player, "f3", "2.00") == "refused no_free_spins"  # ten of seven


def test_spins_are_good_for_their_games_and_their_time(player: UUID) -> None:
    grant(player, games=("fruits",), active_until=AT + timedelta(hours=1))
    assert spin(player, "f1", game="wheel") == "refused no_free_spins"
    late = said(player, "f2", at=AT + timedelta(hours=1))
    assert outcome(use_free_spins(value=eur("0"), **late, **on())) == "refused no_free_spins"
    assert spin(player, "f3") == "applied"


def test_the_purse_that_ends_first_is_drawn_first(player: UUID) -> None:
    endless = grant(player)
    ends = grant(player, active_until=AT + timedelta(days=2))
    soon = grant(player, active_until=AT + timedelta(days=1))
    spin(player, "f1")
    assert [purse(player, id_).spins_left for id_ in (endless, ends, soon)] == [10, 10, 9]


def test_wins_go_to_a_bonus_purse_where_the_terms_say_so(player: UUID) -> None:
    purse_id = grant(player, winnings=PurseTerms(stake_cap=eur("5.00"), game_categories=(GameCategory.SLOTS,)))
    winnings_id = purse(player, purse_id).winnings_id
    assert winnings_id
    spin(player, "f1")
    win(player, "f1", "8.00")
    assert holds(player) == ("0.00", "8.00")
    assert purse(player, winnings_id).stake_cap == eur("5.00")
    (won,) = events(player, "free-win-credited")
    assert (won.payload["real"], won.payload["bonus"]) == ("0.00", "8.00")


@pytest.mark.parametrize(("release", "left"), [(True, ("11.00", "0.00")), (False, ("0.00", "0.00"))])
def test_late_wins_follow_the_bonus_that_they_belong_to(player: UUID, release: bool, left: tuple[str, str]) -> None:
    purse_id = grant(player, winnings=PurseTerms())
    spin(player, "f1")
    win(player, "f1", "8.00")
    winnings_id = purse(player, purse_id).winnings_id
    assert winnings_id
    close_bonus_purse(purse_id=winnings_id, release=release, currency="EUR", **said(player))
    assert win(player, "f1", "3.00") == "applied"
    assert holds(player) == left


def test_a_rollback_gives_the_spin_back_and_takes_the_wins(player: UUID) -> None:
    purse_id = grant(player)
    spin(player, "f1", "0.40")
    win(player, "f1", "3.00")
    win(player, "f1", "1.00")
    assert undo(player, "f1", "u1") == "applied"
    assert undo(player, "f1", "u1") == "replayed"
    assert undo(player, "f1", "u2") == "replayed"
    assert purse(player, purse_id).spins_left == 10
    assert holds(player) == ("0.00", "0.00")
    assert (house(AccountKind.BONUS_COST), house(AccountKind.SPINS_ISSUED)) == ("0.00", "-2.00")
    assert win(player, "f1", "1.00") == "unknown_reference"
    (undone,) = events(player, "free-bet-rolled-back")
    assert (undone.payload["spins"], undone.payload["won"]) == (2, "4.00")


def test_a_rollback_before_the_round_buries_it(player: UUID) -> None:
    purse_id = grant(player)
    assert undo(player, "f1") == "tombstoned"
    assert spin(player, "f1") == "tombstoned"
    assert purse(player, purse_id).spins_left == 10


def test_spins_of_a_closed_purse_do_not_come_back(player: UUID) -> None:
    purse_id = grant(player)
    spin(player, "f1")
    win(player, "f1", "3.00")
    end(player, purse_id)
    assert undo(player, "f1") == "applied"
    assert holds(player) == ("0.00", "0.00")
    assert house(AccountKind.SPINS_ISSUED) == "0.00"


def test_winnings_that_are_spent_hold_a_rollback_back(player: UUID) -> None:
    purse_id = grant(player, winnings=PurseTerms())
    spin(player, "f1")
    win(player, "f1", "3.00")
    winnings_id = purse(player, purse_id).winnings_id
    assert winnings_id
    close_bonus_purse(purse_id=winnings_id, release=False, currency="EUR", **said(player))
    spin(player, "f2")
    assert undo(player, "f1") == "applied"  # what was forfeited is not asked for again
    other = make_player().id
    grant(other)
    spin(other, "g1")
    win(other, "g1", "3.00")
    bet(other, "2.00")
    assert undo(other, "g1", "u1") == "refused winnings_spent"
    fund(other, "10.00")
    assert undo(other, "g1", "u1") == "applied"


def end(player: UUID, purse_id: UUID, key: str = "") -> str:
    return outcome(end_free_spins(purse_id=purse_id, why="forfeited", currency="EUR", **said(player, key)))


def test_forfeited_spins_are_gone_and_wins_of_used_ones_are_still_paid(player: UUID) -> None:
    purse_id = grant(player)
    spin(player, "f1")
    assert end(player, purse_id, "e1") == "applied"
    assert end(player, purse_id, "e1") == "replayed"
    assert end(player, purse_id, "e2") == "unknown_reference"
    assert get_balances(player).spins_left == 0
    assert house(AccountKind.SPINS_ISSUED) == "0.00"
    assert win(player, "f1", "3.00") == "applied"
    assert holds(player) == ("3.00", "0.00")
    (ended,) = events(player, "free-spins-ended")
    assert (ended.payload["why"], ended.payload["spins_lost"]) == ("forfeited", 9)


def test_spins_expire_by_the_job_once(player: UUID) -> None:
    purse_id = grant(player, active_until=AT + timedelta(days=1))
    grant(player)
    assert expire_free_spins(at=AT) == 0
    assert expire_free_spins(at=AT + timedelta(days=1)) == 1
    assert expire_free_spins(at=AT + timedelta(days=2)) == 0
    assert get_balances(player).spins_left == 10
    assert purse(player, purse_id).closed_at == AT + timedelta(days=1)
    assert [event.payload["why"] for event in events(player, "free-spins-ended")] == ["expired"]


def test_a_grant_is_told_by_its_key(player: UUID) -> None:
    for count, expected in ((5, "applied"), (5, "replayed"), (6, "conflict")):
        _, posting = grant_free_spins(terms=FreeSpinsTerms(count=count, value=eur("0.10")), **said(player, "grant"))
        assert outcome(posting) == expected
    assert get_balances(player).spins_left == 5
    with pytest.raises(FieldErrors):
        grant(player, count=0)


def test_free_rounds_stand_in_the_history(player: UUID) -> None:
    grant(player)
    spin(player, "f1")
    win(player, "f1", "3.00")
    assert [(str(row.kind), str(row.amount)) for row in list_transactions(player)] == [
        ("free_win", "3.00"),
        ("free_bet", "-0.20"),
        ("spins_grant", "2.00"),
    ]
    assert entries(list_transactions(player)[1].id) == {"free_spins": [-20], "spins_issued": [20]}
