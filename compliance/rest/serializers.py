"""Approvals on the wire."""

from __future__ import annotations

from rest_framework import serializers

from compliance.types import ApprovalState
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
