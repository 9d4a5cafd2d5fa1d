"""Legal holds: what must not be erased or purged, whatever its retention says."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class LegalHold(models.Model):
    """Data of a player, or one object ("wallet.adapterrequest", its id), is kept until somebody releases the hold.

    Placed and released by services.holds, both on the audit trail. It stands from ``placed_at`` until ``ends_at`` (None:
    until released); what it says never changes, only the release is added.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", null=True, on_delete=models.PROTECT, related_name="+")
    object_type = models.CharField(max_length=80, blank=True, default="")
    object_id = models.CharField(max_length=120, blank=True, default="")
    reason = models.TextField()
    placed_by = models.CharField(max_length=120)
    placed_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=120, blank=True, default="")
    released_at = models.DateTimeField(null=True, blank=True)
    release_reason = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "legal hold"
        default_permissions: ClassVar[Any] = ["view"]
        permissions: ClassVar = [
            ("place_legal_hold", "Places and releases legal holds"),
            ("run_purge", "Runs purges of what is past its retention"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(player__isnull=False, object_type="")
                | (models.Q(player=None) & ~models.Q(object_type="") & ~models.Q(object_id="")),
                name="compliance_hold_on_player_or_object",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player"], condition=models.Q(released_at=None), name="compliance_hold_player"),
            models.Index(
                fields=["object_type", "object_id"],
                condition=models.Q(released_at=None),
                name="compliance_hold_object",
            ),
        ]

    def __str__(self) -> str:
        return f"hold on {self.player_id or f'{self.object_type}:{self.object_id}'}"
