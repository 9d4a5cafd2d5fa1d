"""Review cases."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from compliance.types_cases import CaseState
from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class ReviewCase(models.Model):
    """Something that a person has to look at. Opened by services.cases for any part of compliance, or of the wallet.

    ``kind`` and ``key`` name it: the same thing opens one case. What it says never changes; claim and end are added.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    player = models.ForeignKey("players.Player", null=True, on_delete=models.PROTECT, related_name="+")
    facts = models.JSONField()
    state = models.CharField(
        max_length=10,
        choices=[(state.value, state.capitalize()) for state in CaseState],
        default=CaseState.OPEN.value,
    )
    opened_by = models.CharField(max_length=120)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_by = models.CharField(max_length=120, blank=True, default="")
    claimed_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=120, blank=True, default="")
    resolved_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=40, blank=True, default="")
    comment = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "review case"
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("resolve_reviewcase", "Takes and ends review cases")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "key"], name="compliance_case_key_once"),
            models.CheckConstraint(
                condition=models.Q(state="resolved", resolved_at__isnull=False)
                | (~models.Q(state="resolved") & models.Q(resolved_at=None)),
                name="compliance_case_resolved",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], condition=~models.Q(state="resolved"), name="compliance_case_open"),
            models.Index(fields=["player", "-id"], name="compliance_case_player"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
