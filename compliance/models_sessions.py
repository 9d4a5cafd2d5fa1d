"""What players choose for their own play, what they acknowledged, and when they were told to the activity file."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from compliance.types_sessions import AcknowledgedKind, PlaySettingKind
from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class PlaySetting(models.Model):
    """What a player chose for their own play from ``active_from`` until ``active_until`` (None: still).

    Written by services.play_sessions: a change ends the row before and adds one. ``value`` as its kind says.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in PlaySettingKind])
    value = models.CharField(max_length=40)
    set_by = models.CharField(max_length=120)
    active_from = models.DateTimeField()
    active_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["player", "kind"],
                condition=models.Q(active_until=None),
                name="compliance_playsetting_one_stands",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "kind", "-active_from"], name="compliance_playsetting_past")
        ]

    def __str__(self) -> str:
        return f"{self.kind}={self.value} {self.player_id}"


class Acknowledgement(models.Model):
    """A reality check or login summary that a player was shown and acknowledged. Written once; never changes.

    ``shown`` are the figures as they stood: texts, amounts in the player's currency.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in AcknowledgedKind])
    shown = models.JSONField()
    choice = models.CharField(max_length=10, blank=True, default="")
    actor = models.CharField(max_length=120)
    acknowledged_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = ["view"]
        indexes: ClassVar = [models.Index(fields=["player", "kind", "-id"], name="compliance_ack_player")]

    def __str__(self) -> str:
        return f"{self.kind} {self.player_id}"


class ActivityRecord(models.Model):
    """One time that a player was told to the activity file as playing here (DE: GlüStV §6h), until ``ended_at``.

    Opened before the first game and closed at logout or after a pause, by services.play_sessions. ``reply_id`` is the
    file's own name for it.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    register = models.CharField(max_length=60)
    reply_id = models.CharField(max_length=120)
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=40, blank=True, default="")
    told_at = models.DateTimeField(null=True, blank=True)  # when the file took note of the end

    class Meta:
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["player"], condition=models.Q(ended_at=None), name="compliance_activityrecord_one_open"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["opened_at"], condition=models.Q(ended_at=None), name="compliance_activity_open"),
            models.Index(
                fields=["ended_at"],
                condition=models.Q(ended_at__isnull=False, told_at=None),
                name="compliance_activity_untold",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.register} {self.player_id}"
