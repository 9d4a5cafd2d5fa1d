"""Events that loyalty publishes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class PointsAccrued(Event):
    """Points were earned (or taken back) by play: one event per player and batch of bets.

    ``points`` and ``turnover_eur`` are what the batch moved, ``balance`` the points to spend after it.
    """

    wire_name = "loyalty.points-accrued.v1"
    points: int
    balance: int
    turnover_eur: Decimal


@dataclass(frozen=True, kw_only=True)
class PointsAdded(Event):
    """Points were given, or taken, by another way than play: ``kind`` is "addition" or "correction"."""

    wire_name = "loyalty.points-added.v1"
    entry_id: UUID
    kind: str
    points: int
    balance: int
    reason: str  # a code, such as "goodwill"


@dataclass(frozen=True, kw_only=True)
class PointsHeld(Event):
    """Points were set aside for a redemption."""

    wire_name = "loyalty.points-held.v1"
    redemption_id: UUID
    item: str
    points: int
    balance: int


@dataclass(frozen=True, kw_only=True)
class PointsReleased(Event):
    """Points that were set aside are back; ``reason`` is "rejected", "expired" or "refused"."""

    wire_name = "loyalty.points-released.v1"
    redemption_id: UUID
    points: int
    balance: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class PointsRedeemed(Event):
    """Points that were set aside are written off: the bonus is granted."""

    wire_name = "loyalty.points-redeemed.v1"
    redemption_id: UUID
    grant_id: UUID
    item: str
    points: int
    balance: int


@dataclass(frozen=True, kw_only=True)
class PointsExpiring(Event):
    """All points of the player will expire at ``expires_at`` unless they play before: ``days`` are left."""

    wire_name = "loyalty.points-expiring.v1"
    points: int
    days: int
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class PointsExpired(Event):
    """All points of the player expired: nothing was played for the months that the programme says."""

    wire_name = "loyalty.points-expired.v1"
    points: int


@dataclass(frozen=True, kw_only=True)
class LevelChanged(Event):
    """The player's loyalty level moved; ``turnover_eur`` is the cumulative turnover at that moment.

    ``reason`` is "turnover", "return", "rollback", "review", "forced" or "programme"; ``up`` says in which direction.
    """

    wire_name = "loyalty.level-changed.v1"
    programme: str
    from_level: str
    to_level: str
    up: bool
    reason: str
    turnover_eur: Decimal


@dataclass(frozen=True, kw_only=True)
class LevelReviewDue(Event):
    """The daily review has come upon the player; whether the level moves is decided where turnover is counted."""

    wire_name = "loyalty.level-review-due.v1"


@dataclass(frozen=True, kw_only=True)
class LevelHeld(Event):
    """Staff keep the player's level: ``kind`` is "forced" (to ``level``) or "frozen", until ``active_until``."""

    wire_name = "loyalty.level-held.v1"
    order_id: UUID
    kind: str
    level: str
    active_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class LevelHoldEnded(Event):
    """A forced or frozen level moves by itself again."""

    wire_name = "loyalty.level-hold-ended.v1"
    order_id: UUID


@dataclass(frozen=True, kw_only=True)
class ProgrammeJoined(Event):
    """The player belongs to another loyalty programme from here on."""

    wire_name = "loyalty.programme-joined.v1"
    programme: str


@dataclass(frozen=True, kw_only=True)
class ProgrammeChanged(Event):
    """A loyalty programme changed: ``version`` was released, and is in force from ``active_from`` on."""

    wire_name = "loyalty.programme-changed.v1"
    programme: str
    version: int
    active_from: datetime
    actor: str


@dataclass(frozen=True, kw_only=True)
class CampaignChanged(Event):
    """A campaign that multiplies points was made, or ends earlier."""

    wire_name = "loyalty.campaign-changed.v1"
    campaign: str
    change: str  # made, ended
    factor: Decimal
    active_from: datetime
    active_until: datetime
    actor: str
