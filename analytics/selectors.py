"""Reads of the rollups: a few indexed rows each. Figures follow the events within the consumer's lag."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db.models import Sum

from analytics.models import DayTotals as DayTotalsRow
from analytics.models import PlayerDay as PlayerDayRow
from analytics.types import CountFigure, DayTotals, HomeFigures, MoneyFigure, PlayerDay
from kernel.money import Money


def get_day(day: date, currency: str) -> DayTotals:
    """The day's totals in one currency; zeros where nothing happened."""
    row = DayTotalsRow.objects.filter(day=day, currency=currency).first()
    return _totals(row or DayTotalsRow(day=day, currency=currency))


def list_days(first: date, last: date, *, currency: str | None = None) -> list[DayTotals]:
    """Days from ``first`` to ``last``, inclusive, on which something happened; by day and currency."""
    rows = DayTotalsRow.objects.filter(day__range=(first, last))
    if currency:
        rows = rows.filter(currency=currency)
    return [_totals(row) for row in rows.order_by("day", "currency")]


def get_active_players(day: date) -> int:
    """How many players placed a bet that day (DAU), in all currencies."""
    return sum(totals.active_players for totals in list_days(day, day))


def list_player_days(player_id: UUID, *, before: date | None = None, limit: int = 50) -> list[PlayerDay]:
    """The days on which a player played or paid in, newest first, older than ``before``."""
    rows = PlayerDayRow.objects.filter(player_id=player_id)
    if before:
        rows = rows.filter(day__lt=before)
    return [
        PlayerDay(
            player_id=row.player_id,
            day=row.day,
            bets=row.bets,
            stakes_real=Money(row.stakes_real_minor, row.currency),
            wins_real=Money(row.wins_real_minor, row.currency),
            deposited=Money(row.deposited_minor, row.currency),
        )
        for row in rows.order_by("-day")[:limit]
    ]


def get_home_figures(at: datetime, *, currency: str = "EUR") -> HomeFigures:
    """Today's figures beside yesterday's, for the home page."""
    today = at.astimezone(UTC).date()
    yesterday = today - timedelta(days=1)
    days = list_days(yesterday, today)
    here = {day: get_day(day, currency) for day in (today, yesterday)}
    # One row per day and currency: a few thousand in ten years.
    players = DayTotalsRow.objects.filter(day__lte=today).aggregate(total=Sum("registrations"))["total"] or 0

    def count(name: str) -> CountFigure:
        by_day = {day: sum(getattr(totals, name) for totals in days if totals.day == day) for day in here}
        return CountFigure(by_day[today], by_day[yesterday])

    def money(name: str) -> MoneyFigure:
        return MoneyFigure(getattr(here[today], name), getattr(here[yesterday], name))

    return HomeFigures(
        at=at,
        currency=currency,
        players=CountFigure(players, players - count("registrations").today),
        registrations=count("registrations"),
        active_players=count("active_players"),
        ggr=money("ggr"),
        stakes=money("stakes_real"),
        deposits=count("deposits"),
        deposited=money("deposited"),
        deposits_failed=count("deposits_failed"),
    )


def _totals(row: DayTotalsRow) -> DayTotals:
    return DayTotals(
        day=row.day,
        currency=row.currency,
        registrations=row.registrations,
        active_players=row.active_players,
        bets=row.bets,
        stakes=Money(row.stakes_minor, row.currency),
        stakes_real=Money(row.stakes_real_minor, row.currency),
        wins_count=row.wins_count,
        wins=Money(row.wins_minor, row.currency),
        wins_real=Money(row.wins_real_minor, row.currency),
        rollbacks=row.rollbacks,
        rolled_back=Money(row.rolled_back_minor, row.currency),
        deposits=row.deposits,
        deposited=Money(row.deposited_minor, row.currency),
        deposits_failed=row.deposits_failed,
        jackpot_contributions=Money(row.jackpot_contributions_minor, row.currency),
    )
