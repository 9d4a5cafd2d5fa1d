"""Verification over REST: the player's own below /me, and cases for service clients. People decide in the back office."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.rest import kyc_forms as forms
from compliance.selectors_kyc import get_case, list_cases
from compliance.selectors_kyc_gate import get_progress
from compliance.selectors_packs import get_pack_of
from compliance.services.kyc import open_case
from compliance.services.kyc_checks import start_check
from compliance.services.kyc_triggers import acknowledge_grace, ask_player
from compliance.types_kyc import CaseState, LegalReason, StepKind, Trigger
from kernel import clock
from kernel.money import Money
from kernel.rest.keys import read_key
from kernel.rest.me import MeView, me
from kernel.rest.me import actor_of as player_of
from kernel.rest.pagination import decode_cursor, page
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, actor_of, read


class MyVerification(MeView):
    @extend_schema(operation_id="get_my_verification", responses=forms.MyVerificationSerializer)
    def get(self, request: Request) -> Response:
        """How far it is, what is missing, and what may be played until then."""
        return Response(_progress(me(request), clock.now()))


class MyCheck(MeView):
    @extend_schema(operation_id="start_my_verification", request=forms.CheckForm, responses=forms.CheckSerializer)
    def post(self, request: Request) -> Response:
        """Begin, or go on: what the provider's page needs to take documents in. May be called again when it ran out."""
        data, at = read(forms.CheckForm, request.data), clock.now()
        actor = player_of(request)
        ask_player(player_id=me(request), actor=actor, at=at)
        check = start_check(player_id=me(request), provider=data["provider"], actor=actor, at=at)
        return Response(forms.CheckSerializer(check).data)


class MyGrace(MeView):
    @extend_schema(operation_id="acknowledge_my_grace", request=None, responses=forms.MyVerificationSerializer)
    def post(self, request: Request) -> Response:
        """The player was told how play before verification is bounded, and says so; again is the same as once."""
        at = clock.now()
        acknowledge_grace(player_id=me(request), actor=player_of(request), at=at)
        return Response(_progress(me(request), at))


class Cases(ApiView):
    required_scopes = {"GET": "compliance:read", "POST": "compliance:write"}

    @extend_schema(
        operation_id="list_kyc_cases", parameters=[forms.CasesQuery], responses=page_of(forms.CaseSerializer)
    )
    def get(self, request: Request) -> Response:
        """Verification cases, newest first."""
        query = read(forms.CasesQuery, request.query_params)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_cases(
            player_id=query.get("player_id"),
            state=CaseState(query["state"]) if query.get("state") else None,
            trigger=Trigger(query["trigger"]) if query.get("trigger") else None,
            before=cursor[0] if cursor else None,
            limit=query["limit"] + 1,
        )
        return page(request, rows, query["limit"], _CaseRow, lambda row: (row.id,))

    @extend_schema(
        operation_id="open_kyc_case",
        parameters=[IDEMPOTENCY_KEY],
        request=forms.CaseForm,
        responses={201: forms.CaseSerializer, 204: None},
    )
    def post(self, request: Request) -> Response:
        """Ask a player to prove something; 204: everything asked for is proved already."""
        key, at = read_key(request), clock.now()
        data = read(forms.CaseForm, request.data)
        case = open_case(
            player_id=data["player_id"],
            trigger=Trigger(data["trigger"]),
            pack=get_pack_of(data["player_id"], at),
            key=f"api:{key}"[:200],
            steps=[StepKind(kind) for kind in data["steps"]],
            reason=data["reason"],
            locks_funds=data["locks_funds"],
            legal_reason=LegalReason(data["legal_reason"]) if data.get("legal_reason") else None,
            actor=actor_of(request),
            at=at,
        )
        if case is None:
            return Response(status=204)
        return Response(forms.case_data(case), status=201, headers={"Location": f"{request.path}/{case.id}"})


class Case(ApiView):
    required_scopes = {"GET": "compliance:read"}

    @extend_schema(operation_id="get_kyc_case", responses=forms.CaseSerializer)
    def get(self, request: Request, case_id: UUID) -> Response:
        """One verification case."""
        return Response(forms.case_data(get_case(case_id)))


class _CaseRow(forms.CaseSerializer):
    def to_representation(self, instance: Any) -> dict[str, Any]:
        return forms.case_data(instance)


def _progress(player_id: UUID, at: datetime) -> dict[str, Any]:
    progress = get_progress(player_id, at)
    grace = progress.grace
    data = {
        "status": progress.status,
        "funds": progress.funds,
        "due_at": progress.due_at,
        "steps": [forms.my_step(step) for step in progress.steps],
        "grace": grace
        and {
            "until": grace.until,
            "acknowledged": grace.acknowledged,
            "currency": grace.currency,
            "deposit_cap": str(Money(grace.deposit_cap_minor, grace.currency)),
            "deposit_left": str(Money(max(grace.deposit_cap_minor - grace.deposited_minor, 0), grace.currency)),
        },
    }
    return dict(forms.MyVerificationSerializer(data).data)
