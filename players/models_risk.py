"""Why a player's risk level is what it is."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class RiskAssessment(models.Model):
    """One assessment that set, or kept, a player's risk level: its factors and who made it. Written by
    services.verification; never changes."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    level = models.CharField(max_length=10)
    factors = models.JSONField(default=list)  # [{"code", "points", "text"}]
    reason = models.TextField()
    actor = models.CharField(max_length=120)
    assessed_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar[Any] = []
        indexes: ClassVar = [models.Index(fields=["player", "-id"], name="players_risk_history")]

    def __str__(self) -> str:
        return f"{self.level} {self.player_id}"
