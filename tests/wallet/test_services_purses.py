"""Bonus purses whose time is over: closed by the job, and nothing is won into them any more."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from kernel import clock
from tests.connections import in_parallel
from tests.factories import AT, fund, make_game, make_player
from tests.wallet.purses import entries, eur, events, give_bonus, holds, house, on, outcome, said
from wallet.selectors import list_purses
from wallet.services.bets import credit_win, place_bet, roll_back_bet
from wallet.services.free_spins import grant_free_spins, use_free_spins
from wallet.services.holds import release, reserve
from wallet.services.purses import close_bonus_purse, expire_bonus_purses
from wallet.types import AccountKind, PurseDetails, PurseTerms
from wallet.types_purses import FreeSpinsTerms

pytestmark = pytest.mark.usefixtures("db")

END = AT + timedelta(hours=1)


@pytest.fixture
def player() -> UUID:
    make_game()
    return make_player().id


def purse(player_id: UUID, purse_id: UUID) -> PurseDetails:
    return next(row for row in list_purses(player_id) if row.id == purse_id)


def place(player_id: UUID, stake: str, key: str) -> None:
    assert place_bet(stake=eur(stake), **on(), **said(player_id, key)).ok


def test_the_job_closes_what_has_run_out_and_nothing_else(player: UUID) -> None:
    ends, stays, open_ended = (
        give_bonus(player, "10.00", active_until=END),
        give_bonus(player, "5.00", active_until=END + timedelta(seconds=1)),
        give_bonus(player, "3.00"),
    )
    assert expire_bonus_purses(at=END - timedelta(microseconds=1)) == 0
    assert [expire_bonus_purses(at=END) for _ in range(2)] == [1, 0]
    assert (purse(player, ends).closed_at, str(purse(player, ends).balance)) == (END, "0.00")
    assert {purse(player, stays).closed_at, purse(player, open_ended).closed_at} == {None}
    assert house(AccountKind.BONUS_COST) == "-8.00"
    (closed,) = events(player, "purse-closed")
    assert (closed.payload["into"], closed.payload["amount"], closed.payload["expired"]) == ("house", "10.00", True)


def test_opening_and_closing_are_told(player: UUID) -> None:
    bonus = give_bonus(player, "10.00", active_until=END)
    assert close_bonus_purse(purse_id=bonus, release=True, currency="EUR", **said(player, "close")).ok
    assert close_bonus_purse(purse_id=bonus, release=True, currency="EUR", **said(player, "close")).ok
    opened, closed = events(player, "purse-opened", "purse-closed")
    assert (opened.payload["purse_id"], opened.payload["amount"]) == (str(bonus), "10.00")
    assert (closed.payload["into"], closed.payload["amount"], closed.payload["expired"]) == ("real", "10.00", False)


def test_what_is_released_too_late_is_the_houses_and_in_time_the_players(player: UUID) -> None:
    late, in_time = (give_bonus(player, "10.00", active_until=END) for _ in range(2))
    before = END - timedelta(microseconds=1)
    posting = close_bonus_purse(purse_id=late, release=True, currency="EUR", **said(player, "late", at=END))
    assert (outcome(posting), entries(posting.transfer_id)) == ("applied", {"bonus": [-1000], "bonus_cost": [1000]})
    again = close_bonus_purse(purse_id=late, release=True, currency="EUR", **said(player, "late", at=END))
    assert (outcome(again), again.transfer_id) == ("replayed", posting.transfer_id)
    assert close_bonus_purse(purse_id=in_time, release=True, currency="EUR", **said(player, at=before)).ok
    assert holds(player) == ("10.00", "0.00")
    ways = [(event.payload["into"], event.payload["expired"]) for event in events(player, "purse-closed")]
    assert ways == [("house", True), ("real", False)]


@pytest.mark.parametrize("closed_first", [False, True])
def test_a_win_after_the_end_is_the_houses_part_by_part(player: UUID, closed_first: bool) -> None:
    fund(player, "6.00")
    bonus = give_bonus(player, "4.00", active_until=END)
    place(player, "10.00", "both")
    if closed_first:
        expire_bonus_purses(at=END)
    won = credit_win(bet_key="both", amount=eur("20.00"), **said(player, at=END))
    assert entries(won.transfer_id) == {"real": [1200], "gaming": [-1200]}
    assert (str(won.real), str(won.bonus), str(purse(player, bonus).balance)) == ("12.00", "0.00", "0.00")


def test_a_win_before_the_end_goes_into_the_purse(player: UUID) -> None:
    bonus = give_bonus(player, "4.00", active_until=END)
    place(player, "4.00", "b")
    credit_win(bet_key="b", amount=eur("9.00"), **said(player, at=END - timedelta(microseconds=1)))
    assert str(purse(player, bonus).balance) == "9.00"


def test_rollbacks_releases_and_free_wins_after_the_end_leave_the_purse_alone(player: UUID) -> None:
    bonus = give_bonus(player, "10.00", active_until=END)
    place(player, "4.00", "b")
    reserve(amount=eur("2.00"), expires_at=END + timedelta(hours=1), **on(), **said(player, "h"))
    assert outcome(roll_back_bet(bet_key="b", **said(player, at=END))) == "applied"
    assert outcome(release(hold_key="h", currency="EUR", **said(player, at=END))) == "applied"
    assert str(purse(player, bonus).balance) == "4.00"

    terms = FreeSpinsTerms(1, eur("0.50"), winnings=PurseTerms(active_until=END))
    grant_free_spins(terms=terms, **said(player))
    assert use_free_spins(value=eur("0.00"), **on(), **said(player, "f")).ok
    won = credit_win(bet_key="f", amount=eur("3.00"), **said(player, at=END))
    assert (won.outcome, entries(won.transfer_id)) == ("applied", {})


def test_balances_leave_out_what_has_run_out_before_the_job_comes(player: UUID) -> None:
    give_bonus(player, "10.00", active_until=clock.now() - timedelta(seconds=1))
    give_bonus(player, "5.00", active_until=clock.now() + timedelta(hours=1))
    assert holds(player) == ("0.00", "5.00")
    fund(player, "1.00")
    answer = place_bet(stake=eur("1.00"), **on(), **said(player))
    assert (str(answer.real), str(answer.bonus)) == ("0.00", "5.00")


def test_a_win_races_the_end(player: UUID) -> None:
    bonus = give_bonus(player, "10.00", active_until=END)
    for number in range(4):
        place(player, "1.00", f"b{number}")

    def win(number: int) -> str:
        return outcome(credit_win(bet_key=f"b{number}", amount=eur("3.00"), **said(player, f"w{number}", at=END)))

    def close(number: int) -> str:
        return f"{expire_bonus_purses(at=END)} closed"

    calls = [lambda n=n, do=do: do(n) for n in range(4) for do in (win, close)]
    done = Counter(in_parallel(calls, 8))
    assert done["applied"] == 4
    assert done["1 closed"] == 1  # one job has closed it
    assert (str(purse(player, bonus).balance), purse(player, bonus).closed_at) == ("0.00", END)
    assert house(AccountKind.BONUS_COST) == "-4.00"  # what was staked, and nothing that was won
    assert len(events(player, "purse-closed")) == 1
