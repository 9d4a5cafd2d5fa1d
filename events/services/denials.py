"""Refused attempts on the audit trail."""

from __future__ import annotations

from hashlib import sha256

from django.core.cache import cache
from redis.exceptions import RedisError

from events.audit import record
from events.types import AuditOutcome
from kernel.actors import ActorKind
from kernel.denials import Denial

# A program that hammers on a closed door is recorded once in this time per reason: the trail is no place to be flooded.
QUIET_SECONDS = 60


def note_denial(denial: Denial) -> None:
    """Record that somebody was refused; a program's attempt for the same reason once a minute."""
    if denial.actor.kind is ActorKind.CLIENT and not _is_new(denial):
        return
    record(
        action="access.refused",
        actor=denial.actor,
        at=denial.at,
        player_id=denial.player_id,
        object_type="address",
        object_id=denial.path[:300],
        reason=denial.reason,
        outcome=AuditOutcome.DENIED,
    )


def _is_new(denial: Denial) -> bool:
    try:
        door = sha256(f"{denial.actor} {denial.reason}".encode()).hexdigest()
        return bool(cache.add(f"denied:{door}", 1, timeout=QUIET_SECONDS))
    except (RedisError, OSError):
        return True
