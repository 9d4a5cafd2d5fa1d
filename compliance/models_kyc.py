"""Verification of players (KYC): cases, their steps, every move of them, and the dialogue with providers."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from compliance.types_kyc import UNFINISHED, CaseState, Funds, StepKind, StepState, Trigger
from kernel.ids import uuid7
from kernel.protection import Protection, Retention


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in enum]  # type: ignore[attr-defined]


class KycCase(models.Model):
    """One verification of one player, from what opened it to its decision. Written by services.kyc only.

    ``state`` follows from its steps (rules_kyc.state_of); a decided case changes only by expiring or by its provider
    taking its word back. A player has at most one unfinished case. ``key`` is the opening service's idempotency key.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    trigger = models.CharField(max_length=20, choices=_choices(Trigger))
    state = models.CharField(max_length=16, choices=_choices(CaseState), default=CaseState.OPEN.value)
    funds = models.CharField(max_length=12, choices=_choices(Funds), default=Funds.FREE.value)
    hold_id = models.UUIDField(null=True, blank=True)  # the restriction that locks the money
    risk_level = models.CharField(max_length=10)
    pack = models.CharField(max_length=80)
    reason = models.TextField(blank=True, default="")
    legal_reason = models.CharField(max_length=20, blank=True, default="")
    opened_by = models.CharField(max_length=120)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    review_due_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=120, blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=120, blank=True, default="")
    decision_reason = models.TextField(blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    grace_acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "verification case"
        default_permissions: ClassVar[Any] = ["view"]
        permissions: ClassVar = [
            ("review_kyccase", "Opens verification cases and decides on their steps"),
            ("approve_kyccase", "Decides verification cases of players at high risk as the second person"),
            ("change_risk_level", "Changes players' risk levels"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["player", "key"], name="compliance_kyc_key_once"),
            models.UniqueConstraint(
                fields=["player"],
                condition=models.Q(state__in=sorted(state.value for state in UNFINISHED)),
                name="compliance_kyc_one_unfinished",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="compliance_kyc_player"),
            models.Index(
                fields=["review_due_at", "id"],
                condition=models.Q(state="in_review"),
                name="compliance_kyc_review",
            ),
            models.Index(fields=["expires_at"], condition=models.Q(state="confirmed"), name="compliance_kyc_expiry"),
            models.Index(fields=["due_at"], condition=models.Q(funds="locked"), name="compliance_kyc_due"),
            models.Index(fields=["id"], condition=models.Q(funds="refund_due"), name="compliance_kyc_refund"),
        ]

    def __str__(self) -> str:
        return f"{self.trigger} {self.player_id}"


class KycStep(models.Model):
    """One thing that a case has to prove. Moves: rules_kyc.STEP_MOVES; written by services.kyc, every move kept in KycMove.

    ``provider`` is who was asked, "" for people; at ``ask_at`` it is asked again what became of it, ``asked_from`` on.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(KycCase, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=16, choices=_choices(StepKind))
    state = models.CharField(max_length=10, choices=_choices(StepState), default=StepState.REQUIRED.value)
    reasons = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    note = models.TextField(blank=True, default="")
    provider = models.CharField(max_length=40, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    submitted_at = models.DateTimeField(null=True, blank=True)
    asked_from = models.DateTimeField(null=True, blank=True)
    ask_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=120, blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions: ClassVar[Any] = ["view"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "kind"], name="compliance_kyc_step_once")]
        indexes: ClassVar = [
            models.Index(fields=["ask_at"], condition=models.Q(ask_at__isnull=False), name="compliance_kyc_ask"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.case_id}"


class KycMove(models.Model):
    """One change of state of a case, or of one of its steps: who, when, why. Written with the change; never changes."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(KycCase, on_delete=models.PROTECT, related_name="+")
    step = models.CharField(max_length=16, blank=True, default="")  # a StepKind; "": the case itself
    from_state = models.CharField(max_length=16, blank=True, default="")
    to_state = models.CharField(max_length=16)
    actor = models.CharField(max_length=120)
    reasons = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    note = models.TextField(blank=True, default="")
    moved_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar[Any] = []
        indexes: ClassVar = [models.Index(fields=["case", "id"], name="compliance_kyc_move")]

    def __str__(self) -> str:
        return f"{self.step or 'case'} {self.to_state}"


class KycApplicant(models.Model):
    """A player as one provider knows them. ``heard_at`` is the provider's time of the newest word taken: older ones come late.

    Written by services.kyc_checks.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=40)
    applicant_id = models.CharField(max_length=120)
    heard_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar[Any] = []
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["player", "provider"], name="compliance_applicant_of_player"),
            models.UniqueConstraint(fields=["provider", "applicant_id"], name="compliance_applicant_once"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.applicant_id}"


class KycNotice(models.Model):
    """A provider's signed webhook that was taken in once: what it said and what became of it. Never changes."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(max_length=40)
    key = models.CharField(max_length=80)
    kind = models.CharField(max_length=60)
    applicant = models.ForeignKey(KycApplicant, on_delete=models.PROTECT, related_name="+")
    answer = models.CharField(max_length=12)
    labels = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    outcome = models.CharField(max_length=12)  # taken, stale, no_news
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar[Any] = []
        constraints: ClassVar = [models.UniqueConstraint(fields=["provider", "key"], name="compliance_notice_once")]

    def __str__(self) -> str:
        return f"{self.provider} {self.kind} {self.outcome}"


class KycTransaction(models.Model):
    """A deposit or payout that counts towards the due-diligence thresholds, with its worth in euro when it happened.

    Written by services.kyc_triggers with the money; never changes.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=[("deposit", "Deposit"), ("payout", "Payout")])
    reference = models.UUIDField()  # the wallet's deposit or withdrawal
    amount_eur_minor = models.BigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar[Any] = []
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["player", "kind", "reference"], name="compliance_kyc_counted_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["player", "made_at"], name="compliance_kyc_counted")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_eur_minor}"
