"""Simulations and dry runs that staff asked for."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from bonuses.types_simulation import RunKind, RunState
from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class OfferRun(models.Model):
    """One simulation or dry run of a version of an offer: ``waiting → working → done``, or failed.

    Written by services.simulation. ``percent`` is how far it is, ``result`` what came out: counts and amounts, no player.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("bonuses.OfferVersion", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in RunKind])
    state = models.CharField(
        max_length=10, choices=[(state.value, state.value) for state in RunState], default=RunState.WAITING.value
    )
    wanted = models.JSONField()
    percent = models.IntegerField(default=0)
    result = models.JSONField(null=True)
    note = models.CharField(max_length=300, blank=True, default="")
    requested_by = models.TextField()
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "simulation or dry run"
        verbose_name_plural = "simulations and dry runs"
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(state__in=["waiting", "working"]), name="bonuses_run_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of version {self.version_id}"
