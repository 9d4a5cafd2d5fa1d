"""Types that cross the border of events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from kernel.ids import uuid7_unix_ms


class ConsumerKind(StrEnum):
    PROJECTION = "projection"  # writes its own tables only; can be rebuilt from the log
    REACTOR = "reactor"  # acts on others; never rewound


class DeadLetterCause(StrEnum):
    POISONED = "poisoned"  # handling this event failed
    BEHIND = "behind"  # an earlier event of the same player is parked


class DeadLetterState(StrEnum):
    PARKED = "parked"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class AuditOutcome(StrEnum):
    DONE = "done"
    DENIED = "denied"  # not allowed
    FAILED = "failed"  # allowed, and it did not come to pass: a wrong password, a refused transfer


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One record of the audit trail. ``before`` and ``after`` are what may be kept of changed values."""

    id: UUID
    action: str
    outcome: AuditOutcome
    actor_kind: str
    actor_id: str
    actor_roles: tuple[str, ...]
    player_id: UUID | None
    object_type: str
    object_id: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    ip: str
    user_agent: str
    request_id: str
    occurred_at: datetime
    epoch: int
    xid: int
    chain: int
    sequence: int
    hash: bytes

    @property
    def actor(self) -> str:
        return f"{self.actor_kind}:{self.actor_id}"

    @property
    def recorded_unix_ms(self) -> int:
        return uuid7_unix_ms(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which records: those that fit everything that is given. Times are those of recording; ``until`` is exclusive.

    ``action`` ending in a dot takes all that begin so ("players."); ``text`` is looked for in reasons.
    """

    actor_kind: str = ""
    actor_id: str = ""
    role: str = ""
    player_id: UUID | None = None
    object_type: str = ""
    object_id: str = ""
    action: str = ""
    outcome: AuditOutcome | None = None
    since: datetime | None = None
    until: datetime | None = None
    ip: str = ""
    request_id: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event of the log. ``type`` is its wire name; ``payload`` is the amended one where an amendment exists."""

    id: UUID
    epoch: int
    xid: int
    position: int
    type: str
    player_id: UUID | None
    shard: int
    occurred_at: datetime
    payload: dict[str, Any]
    request_id: str

    @property
    def recorded_unix_ms(self) -> int:
        return uuid7_unix_ms(self.id)


@dataclass(frozen=True, slots=True)
class ConsumerLag:
    """How far a consumer is behind. ``events_behind`` stops counting at 10,000; ``seconds_behind`` is the age of the
    oldest event that it has not taken yet (0 when it has them all)."""

    name: str
    kind: ConsumerKind
    events_behind: int
    seconds_behind: float
    rate_per_s: float
    handled: int
    parked: int
    paused: bool
    pause_reason: str
    last_error: str
    last_error_at: datetime | None
    seen_at: datetime | None
