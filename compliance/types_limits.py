"""Limits as they cross the border of compliance: what is limited, over which period, by whom, and how much is left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kernel.money import Money


class LimitKind(StrEnum):
    """What a limit counts."""

    DEPOSIT = "deposit"  # paid in, gross: a withdrawal never frees it
    NET_DEPOSIT = "net_deposit"  # paid in less paid out
    LOSS = "loss"  # stakes of real money less wins
    STAKE = "stake"  # one bet
    WAGERING = "wagering"  # stakes of real money, summed
    BALANCE = "balance"  # what may lie in the account after a deposit
    SESSION_TIME = "session_time"  # minutes of play
    LOGIN_TIME = "login_time"  # minutes logged in

    @property
    def is_time(self) -> bool:
        return self in (LimitKind.SESSION_TIME, LimitKind.LOGIN_TIME)

    @property
    def periods(self) -> tuple[LimitPeriod, ...]:
        """The periods that make sense for this kind."""
        if self in (LimitKind.STAKE, LimitKind.BALANCE):
            return (LimitPeriod.NONE,)
        if self is LimitKind.SESSION_TIME:
            return (LimitPeriod.SESSION, LimitPeriod.DAY, LimitPeriod.WEEK, LimitPeriod.MONTH)
        if self is LimitKind.LOGIN_TIME:
            return (LimitPeriod.DAY, LimitPeriod.WEEK, LimitPeriod.MONTH)
        if self in (LimitKind.LOSS, LimitKind.WAGERING):
            return (*ROLLING, LimitPeriod.DAY, LimitPeriod.WEEK, LimitPeriod.MONTH)
        return (*ROLLING, *CALENDAR)


class LimitPeriod(StrEnum):
    """Over what a limit counts. Rolling ones end now; calendar ones begin at midnight in the pack's time zone."""

    NONE = ""  # no period: one bet, one balance
    SESSION = "session"
    ROLLING_24H = "24h"
    ROLLING_7D = "7d"
    ROLLING_30D = "30d"
    DAY = "day"
    WEEK = "week"  # from Monday
    FOUR_WEEKS = "4w"  # from Monday, or the day that the pack counts from
    MONTH = "month"


ROLLING = (LimitPeriod.ROLLING_24H, LimitPeriod.ROLLING_7D, LimitPeriod.ROLLING_30D)
CALENDAR = (LimitPeriod.DAY, LimitPeriod.WEEK, LimitPeriod.FOUR_WEEKS, LimitPeriod.MONTH)


class SetBy(StrEnum):
    """Whose limit it is. Each has its own beside the others', and the lowest wins."""

    PLAYER = "player"
    STAFF = "staff"
    REGULATOR = "regulator"
    PACK = "pack"  # what the jurisdiction pack caps


class ChangeState(StrEnum):
    """How far a raise, or a removal, has come."""

    WAITING = "waiting"  # for its delay, and then for the player's confirmation where that is needed
    CONTACT = "contact"  # for somebody to talk to the player first
    APPLIED = "applied"
    CANCELLED = "cancelled"  # by the player, or because a lower limit was set meanwhile
    EXPIRED = "expired"  # never confirmed
    REFUSED = "refused"  # after the contact


OPEN_CHANGES = (ChangeState.WAITING, ChangeState.CONTACT)


@dataclass(frozen=True, slots=True)
class LimitDetails:
    """One limit: ``amount`` of money, or ``minutes``. In force from ``active_from`` until ``active_until`` (exclusive)."""

    id: UUID
    player_id: UUID
    kind: LimitKind
    period: LimitPeriod
    amount: Money | None
    minutes: int | None
    set_by: SetBy
    actor: str
    reason: str
    active_from: datetime
    active_until: datetime | None

    @property
    def measure(self) -> int:
        """Minor units or minutes: what is compared."""
        return self.amount.amount_minor if self.amount else self.minutes or 0

    @property
    def text(self) -> str:
        return f"{self.amount} {self.amount.currency}" if self.amount else f"{self.minutes} min"


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """What is used of one limit now. ``resets_at``: when the period ends, or the oldest counted use falls out of it.

    ``used`` and ``remaining`` are minor units or minutes, ``remaining`` never below zero; None where nothing is counted.
    """

    limit: LimitDetails
    used: int | None
    remaining: int | None
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class LoginTime:
    """What is left of a limit on the time logged in, not below zero, and when its period ends."""

    limit: LimitDetails
    left: timedelta
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class ChangeDetails:
    """A raise (``measure``) or a removal (None) that was asked for. ``eligible_at``: when its delay is over."""

    id: UUID
    player_id: UUID
    kind: LimitKind
    period: LimitPeriod
    amount: Money | None
    minutes: int | None
    state: ChangeState
    needs_confirmation: bool
    requested_at: datetime
    requested_by: str
    eligible_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    reason: str

    @property
    def measure(self) -> int | None:
        return self.amount.amount_minor if self.amount else self.minutes

    @property
    def text(self) -> str:
        if self.measure is None:
            return "none"
        return f"{self.amount} {self.amount.currency}" if self.amount else f"{self.minutes} min"


@dataclass(frozen=True, slots=True)
class LimitOutcome:
    """What became of a wish for a limit: it is in force (``limit``), or it waits (``change``)."""

    limit: LimitDetails | None = None
    change: ChangeDetails | None = None


@dataclass(frozen=True, slots=True)
class AllowanceDetails:
    """More room than a pack's threshold leaves, allowed by staff."""

    id: UUID
    player_id: UUID
    kind: LimitKind
    period: LimitPeriod
    amount: Money
    granted_by: str
    reason: str
    active_from: datetime
    active_until: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A limit as it is asked for: ``amount`` for kinds of money, ``minutes`` for those of time; neither: no limit."""

    kind: LimitKind
    period: LimitPeriod
    amount: Money | None = None
    minutes: int | None = None

    @property
    def measure(self) -> int | None:
        return self.amount.amount_minor if self.amount else self.minutes

    @property
    def text(self) -> str:
        if self.measure is None:
            return "none"
        return f"{self.amount} {self.amount.currency}" if self.amount else f"{self.minutes} min"


@dataclass(frozen=True, slots=True)
class CentralPerson:
    """Whom a register across operators is asked about. Never stored, never logged."""

    first_name: str
    last_name: str
    birth_date: date | None
    country: str


@dataclass(frozen=True, slots=True)
class CentralAnswer:
    """What a register across operators said. ``reply_id`` is its own and is kept; ``reservation`` names what it counted.

    ``available`` is False where it did not answer. ``resets_at``: when there is room again, or the wait is over;
    ``period``: over which there is no room, where it says so.
    """

    accepted: bool
    reply_id: str = ""
    reservation: str = ""
    resets_at: datetime | None = None
    available: bool = True
    period: LimitPeriod = LimitPeriod.NONE
