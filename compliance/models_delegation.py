"""Deputies: who decides on approvals in somebody else's place, and for how long."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class Delegation(models.Model):
    """``deputy`` decides in the place of ``principal`` (both "staff:7") on approvals of ``kinds``, for a period.

    Written by services.delegations; only its early end is added later. It lends the principal's standing (ceilings, what
    they have in hand), never a permission: the deputy needs that of their own.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    principal = models.CharField(max_length=80)
    deputy = models.CharField(max_length=80)
    kinds = ArrayField(models.CharField(max_length=60))
    reason = models.CharField(max_length=500)
    active_from = models.DateTimeField()
    active_until = models.DateTimeField()
    appointed_by = models.CharField(max_length=80)
    appointed_at = models.DateTimeField()
    ended_by = models.CharField(max_length=80, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions: ClassVar = [("appoint_deputy", "Appoints deputies for others")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(principal=models.F("deputy")), name="compliance_delegation_of_another"
            ),
            models.CheckConstraint(
                condition=models.Q(active_until__gt=models.F("active_from")), name="compliance_delegation_period"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["deputy", "active_until"], condition=models.Q(ended_at=None), name="compliance_deputies"
            )
        ]

    def __str__(self) -> str:
        return f"{self.deputy} for {self.principal}"
