"""What the projection ``bonuses.wagering`` keeps."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from kernel.protection import Protection, Retention


class Progress(models.Model):
    """How far one grant is wagered. Written by the projection only. Money is in minor units, exact to a millionth.

    ``required`` grows with what free spins win. ``done_at``: the bet that completed it was placed then; nothing counts
    any more from there on, nor after ``ended_at``.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    grant_id = models.UUIDField(primary_key=True, editable=False)
    player = models.ForeignKey(
        "players.Player", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    required = models.DecimalField(max_digits=24, decimal_places=6)
    wagered = models.DecimalField(max_digits=24, decimal_places=6, default=0)
    spins_purse_id = models.UUIDField(null=True)
    breaches = models.IntegerField(default=0)
    last_bet_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "progress"
        indexes: ClassVar = [
            models.Index(fields=["player"], condition=Q(ended_at=None), name="bonuses_progress_open"),
        ]

    def __str__(self) -> str:
        return f"{self.wagered} of {self.required}"


class WageringEntry(models.Model):
    """What one bet or rollback counted for a grant, or which term it broke. Written by the projection; never changes.

    ``counted`` is in minor units: negative where a rollback took back. ``id`` is the event's.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    grant_id = models.UUIDField()
    bet_id = models.UUIDField()
    kind = models.CharField(max_length=10)
    stake = models.DecimalField(max_digits=24, decimal_places=6)
    counted = models.DecimalField(max_digits=24, decimal_places=6)
    breach = models.CharField(max_length=16, blank=True, default="")
    occurred_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "wagering entries"
        indexes: ClassVar = [
            models.Index(fields=["bet_id"], name="bonuses_entry_bet"),
            models.Index(fields=["grant_id", "-id"], name="bonuses_entry_history"),
        ]

    def __str__(self) -> str:
        return f"{self.counted} for {self.grant_id}"
