"""Verification on the wire."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from compliance.rules_kyc import public_codes, tell
from compliance.types_kyc import CaseDetails, CaseState, Funds, LegalReason, StepDetails, StepKind, StepState, Trigger
from kernel.rest.pagination import PageQuery
from kernel.rest.serializers import StrictSerializer, choice
from players.types import ConfirmStatus


class MyStepSerializer(serializers.Serializer):
    """One thing to prove. ``reasons`` are codes, ``texts`` say the same as sentences that name the remedy."""

    id = serializers.UUIDField()
    kind = choice(StepKind)
    state = choice(StepState)
    reasons = serializers.ListField(child=serializers.CharField())
    texts = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)


class GraceSerializer(serializers.Serializer):
    """Play before verification, where the law allows it: until ``until`` (exclusive), once it is acknowledged."""

    until = serializers.DateTimeField()
    acknowledged = serializers.BooleanField()
    currency = serializers.CharField()
    deposit_cap = serializers.CharField()
    deposit_left = serializers.CharField()


class MyVerificationSerializer(serializers.Serializer):
    """How far the player's verification is, and what they have to do."""

    status = choice(ConfirmStatus)
    funds = choice(Funds)
    due_at = serializers.DateTimeField(allow_null=True)
    steps = MyStepSerializer(many=True)
    grace = GraceSerializer(allow_null=True)


class CheckForm(StrictSerializer):
    """Which provider; without one the casino's."""

    provider = serializers.CharField(max_length=40, default="", allow_blank=True)


class CheckSerializer(serializers.Serializer):
    """What the provider's own page or SDK needs; ``token`` is told here only."""

    provider = serializers.CharField()
    applicant_id = serializers.CharField()
    token = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)


class CasesQuery(PageQuery):
    player_id = serializers.UUIDField(required=False)
    state = choice(CaseState, required=False)
    trigger = choice(Trigger, required=False)


class CaseForm(StrictSerializer):
    """A demand of the casino's. ``legal_reason`` is needed at a withdrawal where the law forbids late demands."""

    player_id = serializers.UUIDField()
    trigger = serializers.ChoiceField(
        choices=[Trigger.STAFF.value, Trigger.FIRST_WITHDRAWAL.value], default=Trigger.STAFF
    )
    steps = serializers.ListField(child=choice(StepKind), default=list)
    reason = serializers.CharField(max_length=1000)
    locks_funds = serializers.BooleanField(default=False)
    legal_reason = choice(LegalReason, required=False)


class StepSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    kind = choice(StepKind)
    state = choice(StepState)
    reasons = serializers.ListField(child=serializers.CharField())
    provider = serializers.CharField()
    attempts = serializers.IntegerField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class CaseSerializer(serializers.Serializer):
    """One verification of one player. Reasons that could warn somebody have one neutral code."""

    id = serializers.UUIDField()
    player_id = serializers.UUIDField()
    trigger = choice(Trigger)
    state = choice(CaseState)
    funds = choice(Funds)
    risk_level = serializers.CharField()
    pack = serializers.CharField()
    legal_reason = serializers.CharField()
    steps = StepSerializer(many=True)
    opened_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    review_due_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


def my_step(step: StepDetails) -> dict[str, Any]:
    return {
        "id": step.id,
        "kind": step.kind,
        "state": step.state,
        "reasons": public_codes(step.reasons),
        "texts": tell(step.reasons),
        "expires_at": step.expires_at,
    }


def case_data(case: CaseDetails) -> dict[str, Any]:
    """As service clients see it."""
    steps = [{**asdict(step), "reasons": public_codes(step.reasons)} for step in case.steps]
    return dict(CaseSerializer({**asdict(case), "steps": steps}).data)
