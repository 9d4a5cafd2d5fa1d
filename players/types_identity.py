"""Types of login that cross the border of players: sessions, devices, attempts, consents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class EndReason(StrEnum):
    """Why a session is over."""

    LOGOUT = "logout"
    KILLED_BY_PLAYER = "killed_by_player"
    KILLED_BY_STAFF = "killed_by_staff"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105
    RESTRICTED = "restricted"
    EXPIRED = "expired"
    IDLE = "idle"
    TIME_LIMIT = "time_limit"


class AttemptOutcome(StrEnum):
    """How a login that came to nothing ended."""

    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    WRONG_CODE = "wrong_code"
    LOCKED = "locked"
    REFUSED = "refused"


class SecurityChange(StrEnum):
    """What changed in how an account is protected."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    PASSWORD_RESET = "password_reset"  # noqa: S105
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    SMS_FACTOR_ON = "sms_factor_on"
    SMS_FACTOR_OFF = "sms_factor_off"
    EMAIL_VERIFIED = "email_verified"
    PHONE_VERIFIED = "phone_verified"


class ConsentProduct(StrEnum):
    """What a marketing consent is for."""

    CASINO = "casino"
    LIVE_CASINO = "live_casino"
    SPORTS = "sports"
    POKER = "poker"
    BINGO = "bingo"


class ConsentChannel(StrEnum):
    """By which way somebody may be written to."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    PHONE = "phone"
    MESSENGER = "messenger"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: address, what the program says of itself, and the device token it brought, if any."""

    ip: str
    user_agent: str
    device_token: str = ""


@dataclass(frozen=True, slots=True)
class SessionDetails:
    """One login and what became of it. ``place`` is "" when nobody knows; ``methods`` are the proofs given."""

    id: UUID
    player_id: UUID
    device_id: UUID
    device: str
    ip: str
    place: str
    user_agent: str
    methods: tuple[str, ...]
    started_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    end_reason: str


@dataclass(frozen=True, slots=True)
class DeviceDetails:
    """A device that the player has logged in from; trusted ones are not asked for a second factor."""

    id: UUID
    player_id: UUID
    name: str
    first_seen_at: datetime
    last_seen_at: datetime
    trusted_until: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just begun. ``device_token`` is told once, when the device was not known; else it is ""."""

    session_id: UUID
    device_id: UUID
    device_token: str
    is_new_device: bool
    place: str


@dataclass(frozen=True, slots=True)
class AttemptDetails:
    outcome: AttemptOutcome
    ip: str
    place: str
    user_agent: str
    attempted_at: datetime


@dataclass(frozen=True, slots=True)
class ConsentDetails:
    """One answer to one question: may the player be written to about this product by this channel?"""

    product: ConsentProduct
    channel: ConsentChannel
    granted: bool
    text_version: str
    source: str
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a person gives when opening an account; only the first four are needed everywhere.

    ``street``, ``national_id`` and ``occupation`` go under the player's own key. ``affirmed``: the person said that it is
    all right. ``declares``: groups that may not play somewhere, and that the person said to belong to.
    """

    email: str
    login: str
    country: str
    currency: str
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    birth_date: date | None = None
    birth_name: str = ""
    birth_place: str = ""
    region: str = ""
    street: str = ""
    city: str = ""
    postcode: str = ""
    national_id: str = ""
    occupation: str = ""
    affirmed: bool = False
    declares: tuple[str, ...] = ()
    language: str = "en"
    time_zone: str = "UTC"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a gate lets somebody not pass. ``text`` names the remedy; ``code`` and ``data`` go to programs."""

    code: str
    text: str
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldDemands:
    """What is asked of people who open an account where they live. ``affirmation``: they say that what they gave is right."""

    country: str
    required: tuple[str, ...]
    minimum_age: int
    region: str = ""
    affirmation: bool = False
