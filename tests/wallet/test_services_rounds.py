"""Rounds that end once, and what comes after their end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.factories import ACTOR, AT, fund, make_game, make_player
from tests.wallet.purses import charge, entries, eur, events, give_bonus, holds, house, on, outcome, said
from wallet.selectors import list_transactions
from wallet.selectors_history import list_rounds
from wallet.services import holds as reservations
from wallet.services.batches import place_batch
from wallet.services.bets import credit_win, place_bet, play, roll_back_bet
from wallet.services.free_spins import grant_free_spins, use_free_spins
from wallet.services.jackpots import ensure_jackpot
from wallet.services.purses import close_bonus_purse
from wallet.services.rounds import close_round, sweep_rounds
from wallet.types import AccountKind, BatchBet, HistoryFilter
from wallet.types_purses import FeeKind, FreeSpinsTerms, JackpotShare, RoundExtras

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player() -> UUID:
    make_game()
    player_id = make_player().id
    fund(player_id, "100.00")
    return player_id


def bet(player: UUID, key: str, stake: str = "10.00", round_id: str = "r1", **extras: Any) -> str:
    return outcome(
        place_bet(stake=eur(stake), extras=RoundExtras(**extras), **said(player, key), **on(round_id=round_id))
    )


def win(player: UUID, bet_key: str, amount: str, key: str = "", **more: Any) -> str:
    return outcome(credit_win(bet_key=bet_key, amount=eur(amount), **said(player, key), **more))


def close(player: UUID, key: str = "", round_id: str = "r1") -> str:
    return outcome(close_round(currency="EUR", **said(player, key), **on(round_id=round_id)))


def settled(player: UUID) -> list[dict[str, Any]]:
    return [event.payload for event in events(player, "round-settled")]


def test_a_round_is_closed_once_and_told_once(player: UUID) -> None:
    assert close(player) == "unknown_reference"
    bet(player, "b1")
    win(player, "b1", "4.00")
    assert close(player, "c1") == "applied"
    assert close(player, "c1") == "replayed"
    assert close(player, "c2") == "replayed"
    assert close(player, "c1", "r2") == "conflict"
    (told,) = settled(player)
    assert (told["bets"], told["stake"], told["won"], told["net"]) == (1, "10.00", "4.00", "-6.00")


def test_bets_after_the_end_are_refused_and_copies_of_earlier_ones_are_not(player: UUID) -> None:
    bet(player, "b1")
    close(player)
    assert bet(player, "b1") == "replayed"
    assert bet(player, "b2") == "refused round_closed"
    assert outcome(play(stake=eur("1"), win=eur("0"), **said(player), **on())) == "refused round_closed"
    assert outcome(reservations.reserve(amount=eur("1"), **said(player), **on())) == "refused round_closed"
    assert bet(player, "b3", round_id="r2") == "applied"
    other = said(player, "b4") | {"source": "another integration"}
    assert outcome(place_bet(stake=eur("1"), **other, **on())) == "applied"  # its rounds are others


def test_a_batch_knows_closed_rounds_and_the_keys_of_single_bets(player: UUID) -> None:
    bet(player, "b1")
    close(player)
    items = [BatchBet(player, key, "fruits", round_id, eur("1.00")) for key, round_id in (("b2", "r1"), ("b3", "r2"))]
    assert [outcome(one) for one in place_batch(items=items, source="test", actor=ACTOR, at=AT)] == [
        "refused round_closed",
        "applied",
    ]
    again = [BatchBet(player, "b1", "fruits", "r1", eur("10.00")), items[1]]
    assert [outcome(one) for one in place_batch(items=again, source="test", actor=ACTOR, at=AT)] == [
        "replayed",
        "replayed",
    ]
    assert bet(player, "b3", "1.00", "r2") == "replayed"


def test_a_free_round_of_a_closed_round_is_refused(player: UUID) -> None:
    grant_free_spins(terms=FreeSpinsTerms(count=2, value=eur("0.20")), **said(player))
    assert outcome(use_free_spins(value=eur("0"), **said(player, "f1"), **on())) == "applied"
    win(player, "f1", "3.00")
    close(player)
    assert outcome(use_free_spins(value=eur("0"), **said(player), **on())) == "refused round_closed"
    (told,) = settled(player)
    assert (told["bets"], told["free_bets"], told["stake"], told["free_won"], told["net"]) == (
        0,
        1,
        "0.00",
        "3.00",
        "3.00",
    )


def test_late_wins_are_paid_and_told_by_themselves(player: UUID) -> None:
    bet(player, "b1")
    close(player)
    assert win(player, "b1", "25.00") == "applied"
    assert win(player, "b1", "0", round_closed=True) == "applied"
    assert holds(player)[0] == "115.00"
    assert len(settled(player)) == 1
    assert len(events(player, "win-credited")) == 2


def test_a_rollback_after_the_end_is_told_by_itself(player: UUID) -> None:
    bet(player, "b1")
    win(player, "b1", "4.00")
    close(player)
    assert outcome(roll_back_bet(bet_key="b1", currency="EUR", **said(player))) == "applied"
    assert holds(player)[0] == "100.00"
    assert [told["net"] for told in settled(player)] == ["-6.00"]
    assert close(player) == "replayed"
    assert bet(player, "b2") == "refused round_closed"


def test_a_win_may_close_its_round(player: UUID) -> None:
    bet(player, "b1")
    assert win(player, "b1", "4.00", "w1", round_closed=True) == "applied"
    assert win(player, "b1", "4.00", "w1", round_closed=True) == "replayed"
    assert win(player, "b1", "4.00", "w1") == "conflict"
    assert [told["won"] for told in settled(player)] == ["4.00"]


def test_a_win_of_nothing_closes_the_round_unless_it_says_not(player: UUID) -> None:
    bet(player, "b1")
    bet(player, "b2")
    win(player, "b1", "0", round_closed=False)
    assert settled(player) == []
    win(player, "b2", "0")
    assert [told["net"] for told in settled(player)] == ["-20.00"]


def test_a_play_may_close_its_round(player: UUID) -> None:
    extras = RoundExtras(round_closed=True)
    args = said(player, "p1") | on()
    assert outcome(play(stake=eur("10"), win=eur("15"), extras=extras, **args)) == "applied"
    assert outcome(play(stake=eur("10"), win=eur("15"), extras=extras, **args)) == "replayed"
    assert outcome(play(stake=eur("10"), win=eur("15"), **args)) == "conflict"
    assert [told["net"] for told in settled(player)] == ["5.00"]


def test_rolled_back_bets_are_left_out_of_the_figures(player: UUID) -> None:
    bet(player, "b1")
    bet(player, "b2")
    win(player, "b2", "3.00")
    roll_back_bet(bet_key="b2", currency="EUR", **said(player))
    close(player)
    (told,) = settled(player)
    assert (told["bets"], told["rolled_back"], told["stake"], told["won"]) == (1, 1, "10.00", "0.00")


def test_the_figures_say_which_purse_had_which_part(player: UUID) -> None:
    give_bonus(player, "20.00")
    bet(player, "b1", "110.00")
    win(player, "b1", "55.00")
    close(player)
    (told,) = settled(player)
    assert [told[name] for name in ("stake_real", "stake_bonus", "won_real", "won_bonus", "net")] == [
        "100.00", "10.00", "50.00", "5.00", "-55.00",
    ]  # fmt: skip


def test_a_round_with_money_reserved_on_it_stays_open(player: UUID) -> None:
    reservations.reserve(amount=eur("10"), **said(player, "h1"), **on())
    reservations.capture(hold_key="h1", amount=eur("4"), **said(player, "b1"))
    assert close(player, "c1") == "refused round_held"
    assert win(player, "b1", "0") == "applied"
    assert settled(player) == []
    reservations.release(hold_key="h1", currency="EUR", **said(player))
    assert close(player, "c1") == "applied"
    assert [told["stake"] for told in settled(player)] == ["4.00"]


def test_forgotten_rounds_are_closed_by_the_job_once(player: UUID) -> None:
    bet(player, "b1")
    bet(player, "b2", round_id="r2")
    close(player)
    now = datetime.now(UTC)
    day = timedelta(hours=24)
    assert sweep_rounds(older_than=day, at=now + timedelta(hours=23)) == 0
    assert sweep_rounds(older_than=day, at=now + timedelta(hours=25)) == 1
    assert sweep_rounds(older_than=day, at=now + timedelta(hours=48)) == 0
    assert [told["round"] for told in settled(player)] == ["r1", "r2"]


def test_the_history_says_which_rounds_are_closed(player: UUID) -> None:
    bet(player, "b1")
    bet(player, "b2", round_id="r2")
    close(player)
    rows = list_rounds(player, wanted=HistoryFilter()).items
    assert [(row.round, row.closed_at is not None) for row in rows] == [("r2", False), ("r1", True)]


def test_free_rounds_are_rounds_with_their_wins_apart(player: UUID) -> None:
    grant_free_spins(terms=FreeSpinsTerms(5, eur("0.50")), **said(player))
    bet(player, "b1")
    win(player, "b1", "3.00")
    assert use_free_spins(value=eur("0.00"), **on(), **said(player, "f1")).ok
    assert use_free_spins(value=eur("0.00"), **on(round_id="free"), **said(player, "f2")).ok
    for key in ("f1", "f2"):
        win(player, key, "7.00")
    rows = list_rounds(player, wanted=HistoryFilter()).items
    assert [
        (r.round, r.bets, r.free_bets, str(r.staked), str(r.won), str(r.free_won), str(r.result)) for r in rows
    ] == [
        ("free", 0, 1, "0.00", "0.00", "7.00", "7.00"),
        ("r1", 1, 1, "10.00", "3.00", "7.00", "0.00"),
    ]
    roll_back_bet(bet_key="b1", **said(player))
    rows = list_rounds(player, wanted=HistoryFilter()).items
    assert (rows[1].rolled_back, str(rows[1].result), rows[1].movements) == (1, "7.00", 5)


def test_what_a_forfeited_bonus_would_have_won_is_no_part_of_the_round(player: UUID) -> None:
    purse = give_bonus(player, "4.00", priority=-1)
    assert place_bet(stake=eur("8.00"), **on(), **said(player, "both")).ok
    close_bonus_purse(purse_id=purse, release=False, currency="EUR", **said(player))
    win(player, "both", "20.00")
    assert str(list_rounds(player, wanted=HistoryFilter()).items[0].won) == "10.00"


# --- rake ---


def test_rake_is_taken_with_the_win_as_entries_of_its_own(player: UUID) -> None:
    charge(FeeKind.RAKE, percent="5", most_minor=300)
    bet(player, "b1")
    assert win(player, "b1", "40.00", "w1", raked=True) == "applied"
    charge(FeeKind.RAKE, percent="7", game="fruits")
    assert win(player, "b1", "40.00", "w1", raked=True) == "replayed"  # and not with another commission
    assert win(player, "b1", "40.00", "w1") == "conflict"
    newest = list_transactions(player)[0]
    assert entries(newest.id) == {"real": [3800], "gaming": [-3800, -200], "fees": [200]}
    assert (str(newest.amount), str(newest.fee)) == ("38.00", "2.00")
    (told,) = events(player, "rake-taken")
    assert (told.payload["pot"], told.payload["amount"]) == ("40.00", "2.00")


def test_rake_has_a_ceiling_and_goes_back_with_the_bet(player: UUID) -> None:
    charge(FeeKind.RAKE, percent="5", most_minor=300)
    bet(player, "b1")
    win(player, "b1", "90.00", raked=True)
    assert (holds(player)[0], house(AccountKind.FEES)) == ("177.00", "3.00")
    roll_back_bet(bet_key="b1", currency="EUR", **said(player))
    assert (holds(player)[0], house(AccountKind.FEES), house(AccountKind.GAMING)) == ("100.00", "0.00", "0.00")


def test_without_a_rule_no_rake(player: UUID) -> None:
    bet(player, "b1")
    assert win(player, "b1", "40.00", raked=True) == "applied"
    assert win(player, "b9", "40.00", raked=True) == "unknown_reference"
    assert holds(player)[0] == "130.00"
    assert house(AccountKind.FEES) == "0.00"


def test_the_close_of_a_round_with_everything(player: UUID) -> None:
    ensure_jackpot(code="mega", name="Mega", currency="EUR")
    charge(FeeKind.RAKE, percent="10")
    bet(player, "b1", contributions=(JackpotShare("mega", Decimal("0.10")),))
    win(player, "b1", "20.00", raked=True, round_closed=True)
    (told,) = settled(player)
    assert [told[name] for name in ("stake", "won", "rake", "jackpot_contribution", "net")] == [
        "10.00", "18.00", "2.00", "0.10", "8.00",
    ]  # fmt: skip
