"""Types that cross the border of loyalty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class EntryKind(StrEnum):
    """What moved the points."""

    BET = "bet"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class LevelDetails:
    """One level. ``threshold_eur`` is the cumulative turnover that enters it; ``cashback`` a fraction (0.02 is 2 %)."""

    code: str
    name: str
    order: int
    threshold_eur: Decimal
    multiplier: Decimal
    cashback: Decimal
    privileges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoyaltyStanding:
    """Where a player stands. ``points`` are whole points; ``to_next_eur`` is the turnover missing to ``next_level``."""

    player_id: UUID
    level: LevelDetails
    level_since: datetime | None
    points: int
    turnover_eur: Decimal
    next_level: LevelDetails | None
    to_next_eur: Decimal | None


@dataclass(frozen=True, slots=True)
class PointsEntryDetails:
    """One line of the points ledger. ``earned`` is exact, ``points`` the whole points it moved the balance by."""

    id: UUID
    bet_id: UUID
    kind: EntryKind
    turnover_eur: Decimal
    coefficient: Decimal
    multiplier: Decimal
    earned: Decimal
    points: int
    balance_after: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class LevelChangeDetails:
    from_level: str
    to_level: str
    turnover_eur: Decimal
    changed_at: datetime
