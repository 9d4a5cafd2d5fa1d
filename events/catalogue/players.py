"""Events that players publishes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class PlayerRegistered(Event):
    """An account was opened. ``source`` is where the player came from (campaign, affiliate), "" when unknown."""

    wire_name = "players.player-registered.v1"
    country: str
    currency: str
    source: str


@dataclass(frozen=True, kw_only=True)
class PlayerStatusChanged(Event):
    """The account moved in its life: pending, active, suspended, closed, erased."""

    wire_name = "players.player-status-changed.v1"
    from_status: str
    to_status: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RestrictionImposed(Event):
    """The account may not do something from now on, until ``active_until`` (None: until lifted)."""

    wire_name = "players.restriction-imposed.v1"
    restriction_id: str
    kind: str
    source: str
    active_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class RestrictionLifted(Event):
    """A restriction was taken off before or at its end."""

    wire_name = "players.restriction-lifted.v1"
    restriction_id: str
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class SettingChanged(Event):
    """A profile field or preference changed. Only its name travels: values may be personal."""

    wire_name = "players.setting-changed.v1"
    name: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class LabelChanged(Event):
    """A label on the player took a new value; None: it was taken off."""

    wire_name = "players.label-changed.v1"
    namespace: str
    key: str
    from_value: str | None
    to_value: str | None


@dataclass(frozen=True, kw_only=True)
class SessionStarted(Event):
    """A player logged in. ``methods`` are the proofs given, such as "password+totp"."""

    wire_name = "players.session-started.v1"
    session_id: str
    device_id: str
    methods: str
    new_device: bool


@dataclass(frozen=True, kw_only=True)
class SessionEnded(Event):
    """A session is over: by logout, by being killed, by its end. ``seconds`` is how long it lasted."""

    wire_name = "players.session-ended.v1"
    session_id: str
    reason: str
    seconds: int


@dataclass(frozen=True, kw_only=True)
class LoginLocked(Event):
    """So many logins failed that no more are tried for a while: for this account, from devices that it does not know."""

    wire_name = "players.login-locked.v1"
    seconds: int


@dataclass(frozen=True, kw_only=True)
class SecurityChanged(Event):
    """The password, a second factor or a verified contact of the account changed; ``change`` says which."""

    wire_name = "players.security-changed.v1"
    change: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class ConsentChanged(Event):
    """The player agreed to be written to about a product by a channel, or no longer does."""

    wire_name = "players.consent-changed.v1"
    product: str
    channel: str
    granted: bool
    text_version: str
    source: str


@dataclass(frozen=True, kw_only=True)
class BreakGlassUsed(Event):
    """Somebody of staff logged in with the account for emergencies. ``reason`` is what they said."""

    wire_name = "players.break-glass-used.v1"
    staff_id: str
    session_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ConfirmStatusChanged(Event):
    """Verification of the player's identity moved: unverified, submitted, in_review, confirmed, rejected_retry,
    rejected_final, expired."""

    wire_name = "players.confirm-status-changed.v1"
    from_status: str
    to_status: str


@dataclass(frozen=True, kw_only=True)
class RiskLevelChanged(Event):
    """The player's risk level moved: low, medium, high, prohibited. ``factors`` are codes, parted by spaces."""

    wire_name = "players.risk-level-changed.v1"
    from_level: str
    to_level: str
    factors: str
