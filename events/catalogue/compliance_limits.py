"""Events about limits. ``amount`` is in the player's ``currency`` for limits of money, ``minutes`` for those of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class LimitChanged(Event):
    """A limit was set, lowered, raised or lifted (``lifted``), with effect from ``occurred_at``.

    ``set_by`` says whose limit it is: player, staff, regulator or pack.
    """

    wire_name = "compliance.limit-changed.v1"
    limit_id: UUID
    kind: str
    period: str
    amount: Decimal | None
    currency: str
    minutes: int | None
    set_by: str
    lifted: bool


@dataclass(frozen=True, kw_only=True)
class LimitRaiseRequested(Event):
    """A player wants a higher limit, or none (neither amount nor minutes). It may take effect from ``eligible_at`` on.

    ``state`` is waiting, or contact: somebody has to talk to the player first.
    """

    wire_name = "compliance.limit-raise-requested.v1"
    change_id: UUID
    kind: str
    period: str
    amount: Decimal | None
    currency: str
    minutes: int | None
    state: str
    eligible_at: datetime
    needs_confirmation: bool


@dataclass(frozen=True, kw_only=True)
class LimitRaiseReady(Event):
    """The delay is over: the player may confirm the raise until ``expires_at``."""

    wire_name = "compliance.limit-raise-ready.v1"
    change_id: UUID
    kind: str
    period: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class LimitRaiseEnded(Event):
    """A raise is at an end: ``state`` is applied, cancelled, expired or refused."""

    wire_name = "compliance.limit-raise-ended.v1"
    change_id: UUID
    kind: str
    period: str
    state: str


@dataclass(frozen=True, kw_only=True)
class LimitNearlyReached(Event):
    """What is used of a limit reached ``percent`` of it."""

    wire_name = "compliance.limit-nearly-reached.v1"
    limit_id: UUID
    kind: str
    period: str
    percent: int


@dataclass(frozen=True, kw_only=True)
class LimitReviewDue(Event):
    """It is time to remind the player: ``reminder`` is activity (look at what you play and at your limits) or no_limit."""

    wire_name = "compliance.limit-review-due.v1"
    reminder: str


@dataclass(frozen=True, kw_only=True)
class LimitAllowanceGranted(Event):
    """Staff gave a player more room than the pack's threshold leaves, with a second person's approval."""

    wire_name = "compliance.limit-allowance-granted.v1"
    allowance_id: UUID
    kind: str
    period: str
    amount: Decimal
    currency: str
    active_until: datetime | None
