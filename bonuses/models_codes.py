"""Bonus codes."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class CodeBatch(models.Model):
    """Codes that were made or imported together. Each may be used ``uses_per_code`` times, once by a player."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    offer = models.ForeignKey("Offer", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    size = models.IntegerField()
    uses_per_code = models.IntegerField()
    expires_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    made_by = models.TextField()
    made_at = models.DateTimeField()
    key = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)

    class Meta:
        verbose_name, verbose_name_plural = "batch of codes", "codes"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["made_by", "key"], name="bonuses_batch_once"),
            models.CheckConstraint(condition=Q(size__gt=0, uses_per_code__gte=0), name="bonuses_batch_sane"),
        ]

    def __str__(self) -> str:
        return self.name


class Code(models.Model):
    """One code, in capitals, unique among all. ``uses`` counts grants; ``player``: it is for this one alone."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    code = models.CharField(max_length=40, primary_key=True)
    batch = models.ForeignKey(CodeBatch, on_delete=models.PROTECT, related_name="codes")
    player = models.ForeignKey(
        "players.Player", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    uses = models.IntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["player"], condition=Q(player__isnull=False), name="bonuses_code_of_player"),
        ]

    def __str__(self) -> str:
        return self.code


class CodeUse(models.Model):
    """A player used a code, for a grant. A player uses a code once.

    Without a ``grant`` it waits for the deposit that the bonus is a part of."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.ForeignKey(Code, on_delete=models.PROTECT, related_name="+")
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    grant = models.ForeignKey(
        "Grant", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    used_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "player"], name="bonuses_code_used_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player"], condition=Q(grant=None), name="bonuses_code_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.code_id} {self.player_id}"
