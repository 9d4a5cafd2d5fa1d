"""Events of play sessions that compliance publishes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class RealityCheckAcknowledged(Event):
    """The player saw where they stand and said whether they go on. ``net`` is wins less stakes of the session."""

    wire_name = "compliance.reality-check-acknowledged.v1"
    elapsed_seconds: int
    net: Decimal
    currency: str
    choice: str


@dataclass(frozen=True, kw_only=True)
class LoginSummaryAcknowledged(Event):
    """The player saw what they staked, won and lost in the last ``days`` days."""

    wire_name = "compliance.login-summary-acknowledged.v1"
    lost: Decimal
    currency: str
    days: int


@dataclass(frozen=True, kw_only=True)
class PlaySettingChanged(Event):
    """A player chose something for their own play: ``kind`` reality_check (minutes) or stake_tier; '' gives it up."""

    wire_name = "compliance.play-setting-changed.v1"
    kind: str
    value: str
