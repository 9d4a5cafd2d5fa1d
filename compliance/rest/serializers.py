"""Approvals on the wire."""

from __future__ import annotations

from rest_framework import serializers

from compliance.types import ApprovalState
from compliance.types_gate import GateAction, Verdict
from kernel.rest.pagination import PageQuery
from kernel.rest.serializers import choice


class ApprovalsQuery(PageQuery):
    state = choice(ApprovalState, required=False)
    kind = serializers.CharField(max_length=60, default="")
    player_id = serializers.UUIDField(required=False)


class ApprovalSerializer(serializers.Serializer):
    """An action that waits, or waited, for a second person; ``digest`` is SHA-256 over what it asks for."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    player_id = serializers.UUIDField(allow_null=True)
    subject = serializers.CharField()
    content = serializers.DictField()
    before = serializers.DictField()
    after = serializers.DictField()
    digest = serializers.CharField()
    comment = serializers.CharField()
    state = choice(ApprovalState)
    requested_by = serializers.CharField()
    requested_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    claimed_by = serializers.CharField()
    claimed_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decision_comment = serializers.CharField()
    result = serializers.CharField(help_text="The id of what was done, once approved.")


class DecisionsQuery(PageQuery):
    player_id = serializers.UUIDField(required=False)
    action = choice(GateAction, required=False)


class ReasonSerializer(serializers.Serializer):
    """One thing that stood against the action. What would warn the player has one neutral code."""

    code = serializers.CharField(source="public_code")
    text = serializers.CharField(source="public_text")
    details = serializers.DictField(source="data")
    verdict = choice(Verdict)


class DecisionSerializer(serializers.Serializer):
    """Something that was denied, or allowed and put before a person; ``packs`` names the rules in force."""

    id = serializers.UUIDField()
    action = choice(GateAction)
    player_id = serializers.UUIDField(allow_null=True)
    verdict = choice(Verdict)
    reasons = ReasonSerializer(many=True)
    inputs = serializers.DictField()
    packs = serializers.CharField()
    actor = serializers.CharField()
    decided_at = serializers.DateTimeField()
