"""Exclusions over REST, for operators' own systems."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.rest import exclusion_forms as forms
from compliance.selectors_exclusions import get_exclusion, list_exclusions, list_register_checks
from compliance.services.exclusion_ends import request_end
from compliance.services.exclusions import exclude, list_offers
from compliance.types_exclusion import ExclusionKind
from kernel import clock
from kernel.rest.keys import read_key
from kernel.rest.pagination import decode_cursor, page, whole
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, actor_of, read
from players.selectors import get_player


class Exclusions(ApiView):
    required_scopes = {"GET": "compliance:read", "POST": "compliance:write"}

    @extend_schema(
        operation_id="list_exclusions",
        parameters=[forms.ExclusionsQuery],
        responses=page_of(forms.ExclusionSerializer),
    )
    def get(self, request: Request) -> Response:
        """Exclusions, newest first."""
        query = read(forms.ExclusionsQuery, request.query_params)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_exclusions(
            player_id=query.get("player_id"),
            standing_at=clock.now() if query["standing"] else None,
            before=cursor[0] if cursor else None,
            limit=query["limit"] + 1,
        )
        return page(request, rows, query["limit"], forms.ExclusionSerializer, lambda row: (row.id,))

    @extend_schema(
        operation_id="exclude_player",
        parameters=[IDEMPOTENCY_KEY],
        request=forms.ExclusionForm,
        responses={201: forms.ExclusionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Exclude a player, at once and with everything that it stops."""
        data = read(forms.ExclusionForm, request.data)
        exclusion = exclude(
            player_id=data["player_id"],
            kind=ExclusionKind(data["kind"]),
            term=data["term"],
            reason=data["reason"],
            ground=data["ground"],
            idempotency_key=read_key(request),
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(forms.ExclusionSerializer(exclusion).data, status=201)


class Exclusion(ApiView):
    required_scopes = {"GET": "compliance:read"}

    @extend_schema(operation_id="get_exclusion", responses=forms.ExclusionSerializer)
    def get(self, request: Request, exclusion_id: UUID) -> Response:
        """One exclusion."""
        return Response(forms.ExclusionSerializer(get_exclusion(exclusion_id)).data)


class ExclusionEnd(ApiView):
    required_scopes = {"POST": "compliance:write"}

    @extend_schema(
        operation_id="request_exclusion_end",
        request=forms.EndRequestForm,
        responses={201: forms.EndRequestSerializer},
    )
    def post(self, request: Request, exclusion_id: UUID) -> Response:
        """Pass on a player's wish to end an exclusion. Where a person must decide, staff do in the back office."""
        data = read(forms.EndRequestForm, request.data)
        asked = request_end(exclusion_id=exclusion_id, reason=data["reason"], actor=actor_of(request), at=clock.now())
        return Response(forms.EndRequestSerializer(asked).data, status=201)


class ExclusionOffers(ApiView):
    required_scopes = {"GET": "compliance:read"}

    @extend_schema(operation_id="list_exclusion_offers", responses=page_of(forms.ExclusionOfferSerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """What may be chosen for a player, where they live."""
        get_player(player_id)
        return whole(list_offers(player_id, clock.now()), forms.ExclusionOfferSerializer)


class RegisterChecks(ApiView):
    required_scopes = {"GET": "compliance:read"}

    @extend_schema(operation_id="list_register_checks", responses=page_of(forms.RegisterCheckSerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """What national registers answered about a player, the newest twenty."""
        get_player(player_id)
        return whole(list_register_checks(player_id), forms.RegisterCheckSerializer)
