"""Types of play sessions that cross the border of compliance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kernel.money import Money


class PlaySettingKind(StrEnum):
    """What players choose for their own play."""

    REALITY_CHECK = "reality_check"  # minutes between two reality checks
    STAKE_TIER = "stake_tier"  # a StakeTier


class StakeTier(StrEnum):
    """Which of a jurisdiction's stake caps a player has asked for."""

    STANDARD = "standard"
    RAISED = "raised"  # from 21 years on, by the player's own choice
    MONITORED = "monitored"  # after 90 days of the raised one without a finding


class AcknowledgedKind(StrEnum):
    """What a player was shown and acknowledged."""

    REALITY_CHECK = "reality_check"
    LOGIN_SUMMARY = "login_summary"


class Choice(StrEnum):
    """What the player does after a reality check."""

    CONTINUE = "continue"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class PlayPosition:
    """Where a player's session of play stands: real money, wins less stakes in ``net``.

    A session begins with the first bet after a pause; ``started_at`` is None while nobody plays.
    """

    started_at: datetime | None
    last_bet_at: datetime | None
    elapsed_seconds: int
    bets: int
    staked: Money
    won: Money
    reality_check_minutes: int | None
    reality_check_due_at: datetime | None
    reality_check_due: bool
    break_until: datetime | None
    session_limit_minutes: int | None

    @property
    def net(self) -> Money:
        return self.won - self.staked


@dataclass(frozen=True, slots=True)
class LoginSummary:
    """What a player staked, won and lost in the last ``days`` days. ``due``: no play until it is acknowledged."""

    days: int
    since: datetime
    staked: Money
    won: Money
    lost: Money
    due: bool
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class GameRules:
    """What games must keep to for one player. ``games_offered`` None: all; a category '*' stands for all others."""

    stake_caps: Mapping[str, Money]
    min_cycle_ms: Mapping[str, int]
    games_offered: tuple[str, ...] | None
    autoplay: bool
    parallel_play: bool
    per_player_rtp: bool
    reality_check_minutes: int | None
    break_minutes: int | None
    packs: str


@dataclass(frozen=True, slots=True)
class AcknowledgementDetails:
    id: UUID
    kind: AcknowledgedKind
    shown: Mapping[str, str]
    choice: str
    acknowledged_at: datetime


@dataclass(frozen=True, slots=True)
class PlaySettingDetails:
    kind: PlaySettingKind
    value: str
    set_by: str
    active_from: datetime
    active_until: datetime | None
