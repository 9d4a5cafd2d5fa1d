"""Who revealed what of whose personal data, and why."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention
from players.types import PersonalSection


class Reveal(models.Model):
    """One person sees one section of a player's personal data until ``revealed_until``. Written by services.reveals.

    Never changes.

    The audit trail has the same for ever; this row is what the player page goes by while it lasts.
    """

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    section = models.CharField(max_length=12, choices=[(section.value, section.label) for section in PersonalSection])
    actor = models.CharField(max_length=120)
    reason = models.TextField()
    revealed_at = models.DateTimeField()
    revealed_until = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = []
        permissions: ClassVar = [("reveal_personal_data", "Reveals masked personal data with a reason")]
        indexes: ClassVar = [
            models.Index(fields=["actor", "player", "revealed_until"], name="players_reveal_standing"),
            models.Index(fields=["actor", "revealed_at"], name="players_reveal_rate"),
        ]

    def __str__(self) -> str:
        return f"{self.section} of {self.player_id} to {self.actor}"
