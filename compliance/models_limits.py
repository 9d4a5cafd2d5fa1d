"""Limits of players."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from compliance.types_limits import LimitKind, LimitPeriod, SetBy
from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class Limit(models.Model):
    """What a player may at most deposit, lose, stake or play in a period. Written by services.limits.

    It stands from ``active_from`` until ``active_until`` (None: for good) and is never rewritten, only ended: what stood
    at any moment can be told. Several may stand at once; the lowest wins. Money limits have ``amount_minor`` in the
    player's currency, those of time ``minutes``. Read by sql/gate.sql at each bet of players who have any.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in LimitKind])
    period = models.CharField(
        max_length=10, blank=True, choices=[(period.value, period.value) for period in LimitPeriod]
    )
    amount_minor = models.BigIntegerField(null=True)
    minutes = models.IntegerField(null=True)
    set_by = models.CharField(max_length=20, choices=[(by.value, by.value) for by in SetBy])
    actor = models.CharField(max_length=120, blank=True, default="")  # "" of what a pack caps
    reason = models.TextField(blank=True, default="")
    active_from = models.DateTimeField()
    active_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount_minor__gte=0, minutes=None) | models.Q(amount_minor=None, minutes__gte=0),
                name="compliance_limit_amount_or_minutes",
            ),
            models.UniqueConstraint(
                fields=["player", "kind", "period", "set_by"],
                condition=models.Q(active_until=None),
                name="compliance_limit_one_open",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "active_from"], name="compliance_limit_player"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} per {self.period or 'bet'}"
