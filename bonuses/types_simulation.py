"""Types of simulations and dry runs that cross the border of bonuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec


class RunKind(StrEnum):
    SIMULATION = "simulation"  # made-up players
    DRY_RUN = "dry_run"  # what really happened, in a time


class RunState(StrEnum):
    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Strategy:
    """How somebody may play a bonus, and what it brings them on average: ``value``, give or take ``error`` (one standard
    error), in major units. ``stake_percent`` is of the highest stake that the terms allow."""

    category: str
    contribution_percent: str
    stake_percent: str
    value: str
    error: str
    completed_percent: str


class SimulationWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulation assumes. ``currency`` is one of the offer's (empty: EUR, or its first); ``volatility`` the standard
    deviation of what a bet pays, in stakes; ``stake_percent`` is of what a player begins with."""

    players: int = 100_000
    seed: int = 1
    currency: str = ""
    category: str = "slots"
    rtp: Decimal = Decimal("0.96")
    volatility: Decimal = Decimal(5)
    stake_percent: Decimal = Decimal(2)
    bets_per_day: int = 200


class DryRunWanted(msgspec.Struct, frozen=True, kw_only=True):
    """The time that a dry run looks at: from ``since`` on, before ``until``."""

    since: datetime
    until: datetime
