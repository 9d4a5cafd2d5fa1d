"""Events that loyalty publishes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class PointsAccrued(Event):
    """Points were earned (or taken back) by play: one event per player and batch of bets.

    ``points`` and ``turnover_eur`` are what the batch moved, ``balance`` the whole points after it.
    """

    wire_name = "loyalty.points-accrued.v1"
    points: int
    balance: int
    turnover_eur: Decimal


@dataclass(frozen=True, kw_only=True)
class LevelChanged(Event):
    """The player's loyalty level moved; ``turnover_eur`` is the cumulative turnover that moved it.

    ``reason`` is "turnover" or "rollback".
    """

    wire_name = "loyalty.level-changed.v1"
    from_level: str
    to_level: str
    reason: str
    turnover_eur: Decimal
