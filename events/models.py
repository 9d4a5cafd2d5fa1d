"""Tables of the event log. Rows of ``Event`` and ``Amendment`` are facts: written once, never changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from events.models_audit import AuditRecord, AuditSeal  # noqa: F401  (Django looks here)
from events.models_configuration import ConfigurationChange  # noqa: F401
from events.types import DeadLetterCause, DeadLetterState
from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class Event(models.Model):
    """One thing that happened, as published. Written by the SQL function ``events_append`` only; never changes.

    Read it in the order (epoch, xid, position) and only below the horizon; ``id`` alone is not a safe order.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    epoch = models.SmallIntegerField()
    xid = models.BigIntegerField()
    position = models.BigIntegerField()
    type = models.TextField()
    player_id = models.UUIDField(null=True, verbose_name="player")
    shard = models.SmallIntegerField()
    occurred_at = models.DateTimeField()
    payload = models.JSONField()
    request_id = models.TextField()

    class Meta:
        managed = False
        db_table = "events_event"

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class ConsumerCursor(models.Model):
    """How far one consumer has read, and how it fares. Written by the consumer's own transaction, with its effects.

    Staff pause and resume it. The cursor is (epoch, xid, position) of the last event taken.
    """

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    name = models.CharField(max_length=80, primary_key=True)
    epoch = models.SmallIntegerField(default=0)
    xid = models.BigIntegerField(default=0)
    position = models.BigIntegerField(default=0)
    handled = models.BigIntegerField(default=0)
    rate_per_s = models.FloatField(default=0)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.TextField(blank=True, default="")
    last_error = models.TextField(blank=True, default="")
    last_error_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "consumer"
        permissions: ClassVar = [("pause_consumer", "Pauses and resumes consumers")]

    def __str__(self) -> str:
        return self.name


class DeadLetter(models.Model):
    """An event that one consumer could not take, or that waits behind such a one of the same player.

    Written by the consumer; staff replay or discard it. Parked letters of a player keep their order.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    consumer = models.CharField(max_length=80)
    event_id = models.UUIDField()
    epoch = models.SmallIntegerField()
    xid = models.BigIntegerField()
    position = models.BigIntegerField()
    event_type = models.TextField()
    player_id = models.UUIDField(null=True, verbose_name="player")
    cause = models.CharField(max_length=10, choices=[(c.value, c.name.capitalize()) for c in DeadLetterCause])
    error = models.TextField(blank=True, default="")
    attempts = models.PositiveIntegerField(default=1)
    state = models.CharField(
        max_length=10,
        choices=[(s.value, s.name.capitalize()) for s in DeadLetterState],
        default=DeadLetterState.PARKED.value,
    )
    parked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        permissions: ClassVar = [("settle_dead_letter", "Amends, replays and discards dead letters")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["consumer", "event_id"], name="events_dead_letter_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["consumer", "player_id", "epoch", "xid", "position"],
                condition=models.Q(state="parked"),
                name="events_dead_letter_parked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer}: {self.event_type} {self.event_id}"


class Amendment(models.Model):
    """A repaired payload of one event, with who repaired it and why. Consumers read the newest; the log stays as it is."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event_id = models.UUIDField(db_index=True)
    payload = models.JSONField()
    reason = models.TextField()
    actor = models.CharField(max_length=120)
    amended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"amendment of {self.event_id}"
