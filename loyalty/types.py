"""Types that cross the border of loyalty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from kernel.money import Money
from loyalty.types_programme import ProgrammeRule


class AccrualKind(StrEnum):
    """What earned points, or took them back."""

    BET = "bet"
    ROLLBACK = "rollback"
    DEPOSIT = "deposit"


class EntryKind(StrEnum):
    """What moved a player's points."""

    ACCRUAL = "accrual"  # earned by play; less than zero: taken back with a bet
    ADDITION = "addition"  # given by another system, a campaign or a journey
    CORRECTION = "correction"  # by staff
    HOLD = "hold"  # set aside for a redemption
    RELEASE = "release"  # set aside, and given back
    REDEMPTION = "redemption"  # set aside, and written off
    EXPIRY = "expiry"


class Hold(StrEnum):
    """What keeps a level where it is."""

    NONE = ""
    FORCED = "forced"  # staff set it: nothing else moves it
    FROZEN = "frozen"  # it does not fall


class MoveCause(StrEnum):
    """Why a level moved; see ``rules``."""

    TURNOVER = "turnover"
    RETURN = "return"
    ROLLBACK = "rollback"
    REVIEW = "review"
    FORCED = "forced"
    PROGRAMME = "programme"


class VersionState(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"  # a second person was asked to release it
    RELEASED = "released"


class RedemptionState(StrEnum):
    HELD = "held"  # points are set aside; staff confirm it, or its time runs out
    GRANTED = "granted"
    REJECTED = "rejected"
    EXPIRED = "expired"  # nobody confirmed it in time
    REFUSED = "refused"  # the bonus was refused: the points are back


@dataclass(frozen=True, slots=True)
class LevelDetails:
    """One level. ``entry_eur`` is the cumulative turnover that enters it, ``keep_eur`` that of 30 days which keeps it;
    ``cashback`` is a fraction (0.02 is 2 %)."""

    code: str
    name: str
    order: int
    entry_eur: Decimal
    keep_eur: Decimal
    multiplier: Decimal
    cashback: Decimal
    privileges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoyaltyStanding:
    """Where a player stands. ``points`` are whole points to spend, ``points_held`` set aside for redemptions.

    ``to_next_eur`` is the turnover missing to ``next_level``. ``turnover_30d_eur`` is that of the last 30 days,
    ``keep_eur`` what keeps the level from ``grace_until`` on, ``to_keep_eur`` what is missing to it. ``held`` says that
    staff keep the level where it is, until ``held_until``.
    """

    player_id: UUID
    programme: str
    level: LevelDetails
    level_since: datetime | None
    points: int
    points_held: int
    turnover_eur: Decimal
    next_level: LevelDetails | None
    to_next_eur: Decimal | None
    turnover_30d_eur: Decimal
    keep_eur: Decimal
    to_keep_eur: Decimal
    grace_until: datetime | None
    held: Hold
    held_until: datetime | None


@dataclass(frozen=True, slots=True)
class PointsEntryDetails:
    """One line of the points ledger: by what it moved the balance and what is set aside, and both after it."""

    id: UUID
    kind: EntryKind
    points: int
    held: int
    balance_after: int
    held_after: int
    reference: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class CorrectionDetails:
    """A correction of points by staff: posted as an entry, or waiting for a second person."""

    entry: PointsEntryDetails | None
    approval_id: UUID | None


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """What points buy for a player: ``points`` a step, each worth ``value`` (None: free spins, as the offer says).

    ``affordable`` is how many steps the points to spend allow now, within what the item allows; 0: none.
    """

    code: str
    name: str
    points: int
    value: Money | None
    min_steps: int
    max_steps: int
    affordable: int
    waits_for_staff_from: int | None


@dataclass(frozen=True, slots=True)
class RedemptionDetails:
    """Points for a bonus. ``worth`` is None for free spins; ``why`` is what stood against it, as codes."""

    id: UUID
    player_id: UUID
    programme: str
    item: str
    offer: str
    steps: int
    points: int
    worth: Money | None
    state: RedemptionState
    why: str
    grant_id: UUID | None
    requested_at: datetime
    decide_until: datetime | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccrualDetails:
    """What one bet or deposit earned, exactly, and by what. A rollback has its bet's figures, below zero."""

    id: UUID
    bet_id: UUID
    kind: AccrualKind
    turnover_eur: Decimal
    coefficient: Decimal
    multiplier: Decimal
    promotion: Decimal
    earned: Decimal
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class LevelChangeDetails:
    """A level moved. ``turnover_eur`` is the cumulative turnover at that moment."""

    id: UUID
    from_level: str
    to_level: str
    cause: MoveCause
    turnover_eur: Decimal
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ProgrammeVersionDetails:
    """A version of a programme, in force from ``active_from`` on once it is released."""

    id: UUID
    programme: str
    number: int
    rule: ProgrammeRule
    state: VersionState
    note: str
    created_by: str
    created_at: datetime
    released_at: datetime | None
    active_from: datetime | None
    approval_id: UUID | None


@dataclass(frozen=True, slots=True)
class LevelOrderDetails:
    """Staff keep a player's level: set to ``level`` (forced), or where it is (frozen), until ``active_until``."""

    id: UUID
    player_id: UUID
    kind: Hold
    level: str
    active_until: datetime | None
    reason: str
    ordered_by: str
    ordered_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignDetails:
    """Points are multiplied by ``factor`` for bets from ``active_from`` up to ``active_until``; empty lists name all."""

    code: str
    name: str
    factor: Decimal
    stacks: bool
    programmes: tuple[str, ...]
    categories: tuple[str, ...]
    games: tuple[str, ...]
    labels: dict[str, list[str]]
    active_from: datetime
    active_until: datetime
    created_by: str
