"""Totals by day: equal to a computation of the test's own, kept exactly once, rebuilt from the log."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import defaultdict
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.db import connection

from analytics import selectors
from analytics.types import CountFigure, DayTotals, MoneyFigure, PlayerDay
from events.services.rebuilding import rebuild
from kernel.money import Money
from tests.consumers import catch_up
from tests.database import PROJECT, owner_url
from tests.factories import ACTOR, bet, fund, make_game, make_player
from wallet.services.bets import credit_win, roll_back_bet
from wallet.services.deposits import request_deposit
from wallet.services.purses import open_bonus_purse
from wallet.types import PurseTerms

pytestmark = pytest.mark.usefixtures("db")

NAME = "analytics.day-totals"
MONDAY = datetime(2026, 3, 9, 12, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


def euros(text: str) -> Money:
    return Money.parse(text, "EUR")


def win(player_id: UUID, bet_key: str, amount: str, at: datetime) -> None:
    credit_win(
        player_id=player_id,
        source="test",
        idempotency_key=f"win-{bet_key}",
        bet_key=bet_key,
        amount=euros(amount),
        actor=ACTOR,
        at=at,
    )


def undo(player_id: UUID, bet_key: str, at: datetime) -> None:
    roll_back_bet(
        player_id=player_id,
        source="test",
        idempotency_key=f"undo-{bet_key}",
        bet_key=bet_key,
        currency="EUR",
        actor=ACTOR,
        at=at,
    )


def decline(player_id: UUID, at: datetime) -> None:
    request_deposit(
        player_id=player_id,
        amount=euros("5.00"),
        provider="sandbox",
        instrument="tok_decline",
        source="test",
        idempotency_key=f"declined-{player_id}-{at}",
        actor=ACTOR,
        at=at,
    )


def figures(totals: DayTotals) -> dict[str, int | str]:
    """What is not zero, amounts as text."""
    values = {f.name: getattr(totals, f.name) for f in fields(totals) if f.name not in ("day", "currency")}
    plain = {name: str(value) if isinstance(value, Money) else value for name, value in values.items()}
    return {name: value for name, value in plain.items() if value not in (0, "0.00")}


def test_a_day_in_the_casino() -> None:
    make_game()
    player = make_player(at=MONDAY).id
    fund(player, "100.00", at=MONDAY)
    decline(player, MONDAY)
    bet(player, "10.00", key="won", at=MONDAY)
    win(player, "won", "25.50", MONDAY)
    bet(player, "4.00", key="lost", at=MONDAY)
    catch_up(NAME)
    monday = selectors.get_day(MONDAY.date(), "EUR")
    assert figures(monday) == {
        "registrations": 1, "active_players": 1, "bets": 2, "stakes": "14.00", "stakes_real": "14.00",
        "wins_count": 1, "wins": "25.50", "wins_real": "25.50", "deposits": 1, "deposited": "100.00", "deposits_failed": 1,
    }  # fmt: skip
    assert monday.ggr == euros("-11.50")


def test_a_rollback_is_taken_out_on_its_own_day() -> None:
    make_game()
    player = make_player(at=MONDAY).id
    fund(player, at=MONDAY)
    bet(player, "10.00", key="won", at=MONDAY)
    win(player, "won", "25.50", MONDAY)
    catch_up(NAME)
    reported = selectors.get_day(MONDAY.date(), "EUR")
    undo(player, "won", TUESDAY)
    catch_up(NAME)
    assert selectors.get_day(MONDAY.date(), "EUR") == reported
    tuesday = selectors.get_day(TUESDAY.date(), "EUR")
    assert figures(tuesday) == {
        "stakes": "-10.00", "stakes_real": "-10.00", "wins": "-25.50", "wins_real": "-25.50", "rollbacks": 1,
        "rolled_back": "10.00",
    }  # fmt: skip
    assert reported.ggr + tuesday.ggr == euros("0.00")


def test_bonus_money_is_in_the_totals_but_not_in_the_revenue() -> None:
    make_game()
    player = make_player(at=MONDAY).id
    open_bonus_purse(
        player_id=player,
        amount=euros("10.00"),
        terms=PurseTerms(priority=-1),
        source="test",
        idempotency_key="bonus",
        actor=ACTOR,
        at=MONDAY,
    )
    fund(player, "30.00", at=MONDAY)
    bet(player, "40.00", key="mixed", at=MONDAY)
    win(player, "mixed", "20.00", MONDAY)
    catch_up(NAME)
    monday = selectors.get_day(MONDAY.date(), "EUR")
    assert (monday.stakes, monday.stakes_real) == (euros("40.00"), euros("30.00"))
    assert (monday.wins, monday.wins_real) == (euros("20.00"), euros("15.00"))


@pytest.mark.parametrize("batch_size", [1, 3, 2000])
def test_totals_equal_an_independent_computation_and_a_rebuild(batch_size: int) -> None:
    make_game()
    dice = random.Random(11)
    players = [make_player(at=MONDAY + timedelta(days=dice.randrange(3))).id for _ in range(4)]
    for player in players:
        fund(player, "5000.00", at=MONDAY)
    bets: dict[date, int] = defaultdict(int)
    revenue: dict[date, int] = defaultdict(int)
    active: dict[date, set[UUID]] = defaultdict(set)
    staked: dict[tuple[UUID, date], int] = defaultdict(int)
    for number in range(60):
        player, at = dice.choice(players), MONDAY + timedelta(hours=dice.randrange(72))
        later, stake, won = at + timedelta(hours=dice.randrange(30)), dice.randrange(1, 900), dice.randrange(2) * 777
        key = f"bet-{batch_size}-{number}"
        bet(player, str(Money(stake, "EUR")), key=key, at=at)
        if won:
            win(player, key, str(Money(won, "EUR")), later)
        bets[at.date()] += 1
        revenue[at.date()] += stake
        revenue[later.date()] -= won
        active[at.date()].add(player)
        staked[player, at.date()] += stake
        if dice.random() < 0.2:
            undo(player, key, later)
            revenue[later.date()] -= stake - won
            staked[player, later.date()] -= stake
    catch_up(NAME, batch_size=batch_size)

    days = selectors.list_days(MONDAY.date(), MONDAY.date() + timedelta(days=9))
    assert {x.day: x.bets for x in days if x.bets} == bets
    assert {x.day: x.ggr.amount_minor for x in days} == {x.day: revenue[x.day] for x in days}
    assert set(revenue) <= {x.day for x in days}
    assert {x.day: x.active_players for x in days} == {x.day: len(active[x.day]) for x in days}
    assert [selectors.get_active_players(x.day) for x in days] == [len(active[x.day]) for x in days]
    kept = {(p, x.day): x.stakes_real.amount_minor for p in players for x in selectors.list_player_days(p)}
    assert {key: minor for key, minor in kept.items() if minor} == {
        key: minor for key, minor in staked.items() if minor
    }
    assert rebuild(NAME, swap=False).equal


def test_what_was_tampered_with_is_found_and_swapped() -> None:
    player = make_player(at=MONDAY).id
    fund(player, at=MONDAY)
    catch_up(NAME)
    right = selectors.get_day(MONDAY.date(), "EUR")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE analytics_daytotals SET deposited_minor = deposited_minor + 1")
    assert not rebuild(NAME, swap=False).equal
    swapped = subprocess.run(
        [sys.executable, "manage.py", "events", "rebuild", NAME, "--swap"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        env=os.environ | {"DATABASE_URL": owner_url()},
    )
    assert "swapped" in swapped.stdout, swapped.stderr
    assert selectors.get_day(MONDAY.date(), "EUR") == right


def test_a_day_is_a_day_in_utc() -> None:
    player = make_player(at=MONDAY).id
    late_in_new_york = datetime(2026, 3, 9, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    fund(player, at=late_in_new_york)
    catch_up(NAME)
    assert selectors.get_day(TUESDAY.date(), "EUR").deposits == 1


def test_what_a_player_did_by_day_newest_first() -> None:
    make_game()
    player = make_player(at=MONDAY).id
    assert selectors.list_player_days(player) == []
    fund(player, "50.00", at=MONDAY)
    bet(player, "3.00", key="a", at=MONDAY)
    bet(player, "2.00", key="b", at=TUESDAY)
    win(player, "b", "9.00", TUESDAY)
    catch_up(NAME)
    nothing = euros("0.00")
    assert selectors.list_player_days(player) == [
        PlayerDay(player, TUESDAY.date(), 1, euros("2.00"), euros("9.00"), nothing),
        PlayerDay(player, MONDAY.date(), 1, euros("3.00"), nothing, euros("50.00")),
    ]
    assert [x.day for x in selectors.list_player_days(player, before=TUESDAY.date())] == [MONDAY.date()]


def test_the_home_page_sees_today_beside_yesterday() -> None:
    make_game()
    long_ago, old, new = (make_player(at=at).id for at in (MONDAY - timedelta(days=300), MONDAY, TUESDAY))
    for player in (long_ago, old):
        fund(player, "50.00", at=MONDAY)
        bet(player, "10.00", at=MONDAY)
    fund(new, "20.00", at=TUESDAY)
    decline(new, TUESDAY)
    bet(new, "5.00", key="won", at=TUESDAY)
    win(new, "won", "7.00", TUESDAY)
    catch_up(NAME)
    home = selectors.get_home_figures(TUESDAY)
    assert home.players == CountFigure(3, 2)
    assert home.registrations == CountFigure(1, 1)
    assert home.active_players == CountFigure(1, 2)
    assert home.ggr == MoneyFigure(euros("-2.00"), euros("20.00"))
    assert home.stakes == MoneyFigure(euros("5.00"), euros("20.00"))
    assert home.deposits == CountFigure(1, 2)
    assert home.deposited == MoneyFigure(euros("20.00"), euros("100.00"))
    assert home.deposits_failed == CountFigure(1, 0)


def test_the_home_page_of_an_empty_casino() -> None:
    home = selectors.get_home_figures(MONDAY)
    assert home.players == CountFigure(0, 0)
    assert home.ggr == MoneyFigure(euros("0.00"), euros("0.00"))
