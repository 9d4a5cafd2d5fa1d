"""Types that cross the border of analytics. Days are UTC days of play time (an event's ``occurred_at``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class DayTotals:
    """One day in one currency. ``active_players`` placed at least one bet.

    Stakes and wins are net of rollbacks, which are taken out on the day of the rollback: a day can be negative.
    ``bets`` and ``wins_count`` count what was placed and paid; ``rolled_back`` is the stake that ``rollbacks`` returned.
    """

    day: date
    currency: str
    registrations: int
    active_players: int
    bets: int
    stakes: Money
    stakes_real: Money
    wins_count: int
    wins: Money
    wins_real: Money
    rollbacks: int
    rolled_back: Money
    deposits: int
    deposited: Money
    deposits_failed: int
    jackpot_contributions: Money

    @property
    def ggr(self) -> Money:
        """Gross gaming revenue of real money: stakes less wins less what went to jackpots, whose wins don't count."""
        return self.stakes_real - self.wins_real - self.jackpot_contributions


@dataclass(frozen=True, slots=True)
class PlayerDay:
    """One player's play on one day, in the player's currency; real money, net of rollbacks."""

    player_id: UUID
    day: date
    bets: int
    stakes_real: Money
    wins_real: Money
    deposited: Money


@dataclass(frozen=True, slots=True)
class CountFigure:
    """A number of today so far, beside that of the whole of yesterday."""

    today: int
    yesterday: int


@dataclass(frozen=True, slots=True)
class MoneyFigure:
    """An amount of today so far, beside that of the whole of yesterday."""

    today: Money
    yesterday: Money


@dataclass(frozen=True, slots=True)
class HomeFigures:
    """The tiles of the home page. Counts are over all currencies, amounts of ``currency`` alone.

    ``players`` is how many were registered by the end of today and of yesterday.
    """

    at: datetime
    currency: str
    players: CountFigure
    registrations: CountFigure
    active_players: CountFigure
    ggr: MoneyFigure
    stakes: MoneyFigure
    deposits: CountFigure
    deposited: MoneyFigure
    deposits_failed: CountFigure
