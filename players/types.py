"""Types that cross the border of players."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class UserKind(StrEnum):
    PLAYER = "player"
    STAFF = "staff"


class Status(StrEnum):
    """Where an account is in its life."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    ERASED = "erased"


class ConfirmStatus(StrEnum):
    """How far identity verification (KYC) has come."""

    UNVERIFIED = "unverified"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    CONFIRMED = "confirmed"
    REJECTED_RETRY = "rejected_retry"
    REJECTED_FINAL = "rejected_final"
    EXPIRED = "expired"


class RiskLevel(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    PROHIBITED = "prohibited"


class PlayerAction(StrEnum):
    """What a restriction may block."""

    LOGIN = "login"
    DEPOSIT = "deposit"
    PLAY = "play"
    WITHDRAW = "withdraw"
    BONUS = "bonus"
    MARKETING = "marketing"


class RestrictionKind(StrEnum):
    """Why an account may not do something now; stackable, beside the status."""

    SELF_EXCLUDED = "self_excluded"
    COOLING_OFF = "cooling_off"
    KYC_HOLD = "kyc_hold"
    AML_HOLD = "aml_hold"
    FRAUD_HOLD = "fraud_hold"
    WITHDRAWAL_HOLD = "withdrawal_hold"
    DEPOSIT_BLOCK = "deposit_block"
    PLAY_BLOCK = "play_block"
    BONUS_BLOCK = "bonus_block"
    MARKETING_BLOCK = "marketing_block"
    AFFORDABILITY_REVIEW = "affordability_review"
    LOGIN_BLOCK = "login_block"


# Whoever learns of these could warn the player ("tipping off": AML directive art. 39). Outside the back office they
# have one neutral name.
CONFIDENTIAL = frozenset({RestrictionKind.AML_HOLD, RestrictionKind.FRAUD_HOLD})


def public_reason(code: str) -> str:
    """A restriction's kind or refusal's reason as integrators may see it."""
    return "account_hold" if code in CONFIDENTIAL else code


PUBLIC_RESTRICTION_KINDS = sorted({public_reason(kind) for kind in RestrictionKind})


@dataclass(frozen=True, slots=True)
class PlayerDetails:
    """One player as other apps see it: account and profile."""

    id: UUID
    login: str
    email: str
    phone: str
    first_name: str
    last_name: str
    birth_date: date | None
    city: str
    postcode: str
    country: str
    currency: str
    language: str
    time_zone: str
    status: Status
    confirm_status: ConfirmStatus
    risk_level: RiskLevel
    source: str
    registered_at: datetime
    region: str = ""
    birth_name: str = ""
    birth_place: str = ""

    @property
    def residence(self) -> str:
        """Country, and region where there is one: "CA-ON"."""
        return f"{self.country}-{self.region}" if self.region else self.country

    @property
    def player_id(self) -> UUID:
        """As every other thing of a player names it."""
        return self.id


@dataclass(frozen=True, slots=True)
class RestrictionDetails:
    id: UUID
    player_id: UUID
    kind: RestrictionKind
    blocks: tuple[PlayerAction, ...]
    reason: str
    source: str
    imposed_by: str
    active_from: datetime
    active_until: datetime | None
    lifted_at: datetime | None
    lifted_by: str
    lift_reason: str


# Labels in these namespaces are what the player has earned; the others are the casino's own notes.
SHOWN_LABELS = frozenset({"loyalty"})


@dataclass(frozen=True, slots=True)
class LabelDetails:
    namespace: str
    key: str
    value: str
    since: datetime


@dataclass(frozen=True, slots=True)
class RiskFactor:
    """One thing that speaks for a higher risk level, and how much."""

    code: str
    points: int
    text: str


@dataclass(frozen=True, slots=True)
class RiskAssessmentDetails:
    """Why the risk level was what it was from ``assessed_at`` on."""

    level: RiskLevel
    factors: tuple[RiskFactor, ...]
    reason: str
    actor: str
    assessed_at: datetime


@dataclass(frozen=True, slots=True)
class SettingChangeDetails:
    name: str
    from_value: str
    to_value: str
    actor: str
    changed_at: datetime


class SealedField(StrEnum):
    """What is kept under a player's own key: erased with it, and never searched except exactly."""

    STREET = "street"
    NATIONAL_ID = "national_id"  # personnummer, CPR, BSN …; which one, the player's country says
    OCCUPATION = "occupation"

    @property
    def label(self) -> str:
        return {
            "street": "Street and house number",
            "national_id": "National identity number",
            "occupation": "Occupation",
        }[self.value]


class PersonalSection(StrEnum):
    """What of a player's personal data is shown or revealed together."""

    NAME = "name"
    CONTACT = "contact"
    ADDRESS = "address"
    DOCUMENTS = "documents"

    @property
    def label(self) -> str:
        return {
            "name": "Name and birth date",
            "contact": "Email and phone",
            "address": "Address",
            "documents": "National identity number and occupation",
        }[self.value]


@dataclass(frozen=True, slots=True)
class RevealDetails:
    """One person may see one section of one player's personal data until ``until`` (exclusive)."""

    section: PersonalSection
    actor: str
    reason: str
    revealed_at: datetime
    until: datetime
