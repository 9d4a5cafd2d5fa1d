"""Personal data under the player's own key."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.ids import uuid7
from kernel.protection import PersonalData, Protection, Retention
from players.types import SealedField


class SealedDetail(models.Model):
    """One sealed fact about a player from ``since`` on, until ``replaced_at`` (None: it holds now). Never changes else.

    Written by services.sealed. ``sealed`` opens by ``kernel.vault`` only, and never again once the player's key is
    destroyed; empty text means that it was taken out. ``index`` finds the fact exactly, where that is ever needed.
    """

    protection: ClassVar = Protection(
        Retention.ACCOUNT_LIFE, {"sealed": PersonalData.SEALED, "index": PersonalData.SEALED}
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    field = models.CharField(max_length=20, choices=[(field.value, field.label) for field in SealedField])
    sealed = models.BinaryField()
    index = models.BinaryField(max_length=32, null=True)
    actor = models.CharField(max_length=120)
    since = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["player", "field"], condition=models.Q(replaced_at=None), name="players_sealed_one_holds"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "field", "since"], name="players_sealed_history"),
            models.Index(
                fields=["field", "index"],
                condition=models.Q(replaced_at=None, index__isnull=False),
                name="players_sealed_found",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} of {self.player_id}"
