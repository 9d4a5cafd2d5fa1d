"""Types of staff's logins that cross the app's border."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DeviceKind(StrEnum):
    """What a person's second factor is. Whatever verified somebody answers through one device class."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY = "recovery"
    SSO = "sso"  # an identity provider has asserted that it asked for more than a password


class Protocol(StrEnum):
    """How an identity provider is spoken to."""

    OIDC = "openid_connect"
    SAML = "saml"


class EndReason(StrEnum):
    """Why a session of staff has ended."""

    LOGOUT = "logout"
    IDLE = "idle"
    TOO_OLD = "too_old"
    KILLED = "killed"
    PASSWORD = "password_changed"  # noqa: S105
    SWITCHED_OFF = "switched_off"
    NETWORK = "network"
    SECOND_FACTOR = "second_factor_reset"


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody of staff, as far as logging in asks."""

    id: int
    login: str
    roles: frozenset[str]
    break_glass: bool
    first_login: bool


@dataclass(frozen=True, slots=True)
class DeviceDetails:
    """One second factor. ``codes_left`` counts unused recovery codes and is 0 for every other kind."""

    id: int
    kind: DeviceKind
    name: str
    created_at: datetime
    last_used_at: datetime | None
    codes_left: int


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session may rest, and how long it may last at all."""

    idle_minutes: int
    absolute_minutes: int


@dataclass(frozen=True, slots=True)
class SessionDetails:
    """One session of staff. ``ended_at`` is None while it lives; ``place`` is empty where nobody knows."""

    id: UUID
    user_id: int
    login: str
    method: str
    ip: str
    place: str
    device: str
    started_at: datetime
    last_seen_at: datetime
    idle_until: datetime
    absolute_until: datetime
    ended_at: datetime | None
    break_glass: bool
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class ProviderDetails:
    """An identity provider that staff may come from, with its secret. ``parameters`` go to the protocol's library."""

    slug: str
    name: str
    protocol: Protocol
    client_id: str
    secret: str
    parameters: dict[str, object]


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What is set of an identity provider, all but its secret. ``roles`` are pairs of a group and the role it brings."""

    slug: str
    name: str
    protocol: Protocol
    parameters: Mapping[str, object]
    active: bool = True
    client_id: str = ""
    groups_claim: str = "groups"
    mfa_contexts: tuple[str, ...] = ()
    roles: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an identity provider says of a person: who, with which attributes, and how it asked."""

    provider: str
    subject: str
    email: str
    name: str
    groups: frozenset[str]
    contexts: frozenset[str]  # amr and acr of OIDC, AuthnContextClassRef of SAML
