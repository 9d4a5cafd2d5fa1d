"""Approvals and the gate's decisions over REST: read only. People decide in the back office."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.rest import serializers as forms
from compliance.selectors import get_approval, list_approvals
from compliance.selectors_gate import list_decisions
from compliance.types import ApprovalState
from compliance.types_gate import GateAction
from kernel.rest.pagination import decode_cursor, page
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, read


class Approvals(ApiView):
    required_scopes = {"GET": "compliance:read"}

    @extend_schema(
        operation_id="list_approvals",
        parameters=[forms.ApprovalsQuery],
        responses=page_of(forms.ApprovalSerializer),
    )
    def get(self, request: Request) -> Response:
        """Approvals, newest first."""
        query = read(forms.ApprovalsQuery, request.query_params)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_approvals(
            state=ApprovalState(query["state"]) if query.get("state") else None,
            kind=query["kind"],
            player_id=query.get("player_id"),
            before=cursor[0] if cursor else None,
            limit=query["limit"] + 1,
        )
        return page(request, rows, query["limit"], forms.ApprovalSerializer, lambda row: (row.id,))


class Approval(ApiView):
    required_scopes = {"GET": "compliance:read"}

    @extend_schema(operation_id="get_approval", responses=forms.ApprovalSerializer)
    def get(self, request: Request, approval_id: UUID) -> Response:
        """One approval."""
        return Response(forms.ApprovalSerializer(get_approval(approval_id)).data)


class Decisions(ApiView):
    required_scopes = {"GET": "compliance:read"}

    @extend_schema(
        operation_id="list_decisions",
        parameters=[forms.DecisionsQuery],
        responses=page_of(forms.DecisionSerializer),
    )
    def get(self, request: Request) -> Response:
        """What was denied or put before a person, newest first. What is allowed is not kept."""
        query = read(forms.DecisionsQuery, request.query_params)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_decisions(
            player_id=query.get("player_id"),
            action=GateAction(query["action"]) if query.get("action") else None,
            after=cursor[0] if cursor else None,
            limit=query["limit"] + 1,
        )
        return page(request, rows, query["limit"], forms.DecisionSerializer, lambda row: (row.id,))
