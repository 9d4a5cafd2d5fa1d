"""Types that cross the border of bonuses. The rule of an offer, field by field, is in ``types_offer``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from bonuses.types_offer import OfferRule
from kernel.money import Money


class OfferState(StrEnum):
    DRAFT = "draft"  # no version was released yet
    LIVE = "live"
    PAUSED = "paused"  # nothing is granted; what was granted goes on
    STOPPED = "stopped"  # for good


class VersionState(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"  # for the second person
    RELEASED = "released"  # in force, or was


class GrantState(StrEnum):
    OFFERED = "offered"  # waits for the player to take it
    QUEUED = "queued"  # waits for another bonus to end
    ACTIVE = "active"  # its money or spins are there
    REDEEMED = "redeemed"  # became real money
    FORFEITED = "forfeited"
    EXPIRED = "expired"


OPEN_STATES = (GrantState.OFFERED, GrantState.QUEUED, GrantState.ACTIVE)


class ForfeitedBy(StrEnum):
    PLAYER = "player"
    STAFF = "staff"
    BREACH = "breach"  # the terms were broken while wagering
    EXCLUSION = "exclusion"
    WITHDRAWAL = "withdrawal"  # the player withdrew while wagering
    USED_UP = "used_up"  # nothing is left of it


class Breach(StrEnum):
    MAX_STAKE = "max_stake"
    EXCLUDED_GAME = "excluded_game"


class WhyNot(StrEnum):
    """Why a player does not get a bonus. Besides these: what compliance denies it for, or ``status_<status>``."""

    OFFER_NOT_LIVE = "offer_not_live"
    NOT_YET = "not_yet"
    OVER = "over"
    CURRENCY = "currency"
    JURISDICTION = "jurisdiction"
    LABEL = "label"
    NOT_CONFIRMED = "not_confirmed"
    PLAYER_CAP = "player_cap"
    HOUSEHOLD_CAP = "household_cap"
    DEVICE_CAP = "device_cap"
    DEPOSIT_TOO_SMALL = "deposit_too_small"
    NOTHING_LOST = "nothing_lost"
    ANOTHER_BONUS = "another_bonus"
    BUDGET_SPENT = "budget_spent"
    BRAKE = "brake"
    NO_RATE = "no_rate"
    NO_POINTS = "no_points"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason against a grant: a code and a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class OccasionDetails:
    """What an automatic trigger came upon; ``reasons`` say why it gave nothing."""

    offer: str
    occasion: str
    reasons: tuple[Reason, ...]
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class VersionDetails:
    """One version of an offer. ``digest`` (hex) names its content."""

    id: UUID
    offer: str
    number: int
    state: VersionState
    rule: OfferRule
    digest: str
    note: str
    created_by: str
    created_at: datetime
    released_at: datetime | None
    simulation: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class OfferDetails:
    """An offer. ``code`` is its stable name; ``live`` the version in force, if any."""

    id: UUID
    code: str
    name: str
    state: OfferState
    live: VersionDetails | None

    @property
    def rule(self) -> OfferRule:
        """The rule in force. Only of an offer that has one: a live offer always has."""
        if self.live is None:
            raise ValueError(f"{self.code} has no version in force")
        return self.live.rule


@dataclass(frozen=True, slots=True)
class Wagering:
    """How far a bonus is wagered: ``wagered`` of ``required``. ``breaches`` counts bets that broke its terms."""

    required: Money
    wagered: Money
    breaches: int

    @property
    def left(self) -> Money:
        return self.required - self.wagered if self.wagered < self.required else Money.zero(self.required.currency)

    @property
    def percent(self) -> int:
        """Whole per cent, rounded down: 100 only when it is done."""
        if self.required.amount_minor <= 0:
            return 100
        return min(100, self.wagered.amount_minor * 100 // self.required.amount_minor)


@dataclass(frozen=True, slots=True)
class GrantDetails:
    """One bonus of one player. ``amount`` is the bonus money given (zero for free spins); ``outcome`` what of it became real."""

    id: UUID
    player_id: UUID
    offer: str
    offer_name: str
    version: int
    state: GrantState
    occasion: str
    kind: str
    amount: Money
    spins: int
    purse_id: UUID | None
    spins_purse_id: UUID | None
    wagering: Wagering | None
    granted_at: datetime
    claim_until: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    outcome: Money | None
    rule: OfferRule
