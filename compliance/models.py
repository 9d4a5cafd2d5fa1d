"""Approvals: what waits for a second person, and what became of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from compliance.types import ApprovalState
from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class Approval(models.Model):
    """One action that somebody asked for and somebody else decides on. Written by services.approvals only.

    What is asked for never changes (a trigger refuses it); only claim and decision are added. ``digest`` is SHA-256
    over kind, player, content, before and after: what is carried out is what was shown. ``key`` is the asking
    service's idempotency key within its kind.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    player = models.ForeignKey("players.Player", null=True, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=200)
    content = models.JSONField()
    before = models.JSONField()
    after = models.JSONField()
    digest = models.BinaryField(max_length=32)
    comment = models.TextField()
    requested_by = models.CharField(max_length=80)
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(
        max_length=10,
        choices=[(state.value, state.capitalize()) for state in ApprovalState],
        default=ApprovalState.REQUESTED.value,
    )
    claimed_by = models.CharField(max_length=80, blank=True, default="")
    claimed_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=80, blank=True, default="")
    decided_for = models.CharField(max_length=80, blank=True, default="")  # whose deputy decided
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_comment = models.TextField(blank=True, default="")
    result = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "key"], name="compliance_approval_key_once"),
            models.CheckConstraint(
                condition=models.Q(state="requested", decided_at=None)
                | (~models.Q(state="requested") & models.Q(decided_at__isnull=False)),
                name="compliance_approval_decided",
            ),
            models.CheckConstraint(
                condition=~models.Q(decided_by=models.F("requested_by")) | models.Q(state="withdrawn"),
                name="compliance_approval_four_eyes",
            ),
            models.CheckConstraint(
                condition=~models.Q(decided_for=models.F("requested_by")), name="compliance_approval_no_deputy_of_asker"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at", "id"],
                condition=models.Q(state="requested"),
                name="compliance_approval_open",
            ),
            models.Index(fields=["player", "-id"], name="compliance_approval_player"),
        ]

    def __str__(self) -> str:
        return self.subject


from compliance import (  # noqa: E402, F401  (Django looks for models here)
    models_cases,
    models_delegation,
    models_documents,
    models_exclusions,
    models_gate,
    models_holds,
    models_kyc,
    models_limit_changes,
    models_limits,
    models_packs,
    models_payment_use,
    models_sandbox_registers,
    models_sessions,
)
