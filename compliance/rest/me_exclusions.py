"""The player API: excluding oneself, in one call, and asking to come back."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.rest import exclusion_forms as forms
from compliance.selectors_exclusions import get_exclusion, list_exclusions
from compliance.services.exclusion_ends import request_end
from compliance.services.exclusions import exclude, list_offers
from compliance.types_exclusion import ExclusionKind
from kernel import clock
from kernel.errors import NotFound
from kernel.rest.keys import read_key
from kernel.rest.me import MeView, actor_of, me, token_of
from kernel.rest.pagination import whole
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import page_of
from kernel.rest.views import read


class MyExclusionOffers(MeView):
    @extend_schema(operation_id="list_my_exclusion_offers", responses=page_of(forms.ExclusionOfferSerializer))
    def get(self, request: Request) -> Response:
        """What the player may choose where they live."""
        offers = [row for row in list_offers(me(request), clock.now()) if row.kind in forms.OWN_KINDS]
        return whole(offers, forms.ExclusionOfferSerializer)


class MyExclusions(MeView):
    @extend_schema(operation_id="list_my_exclusions", responses=page_of(forms.MyExclusionSerializer))
    def get(self, request: Request) -> Response:
        """The player's exclusions, newest first."""
        return whole(list_exclusions(player_id=me(request)), forms.MyExclusionSerializer)

    @extend_schema(
        operation_id="exclude_myself",
        parameters=[IDEMPOTENCY_KEY],
        request=forms.MyExclusionForm,
        responses={201: forms.MyExclusionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Stop playing for a while, at once. Every session ends with it, this one too; withdrawing stays possible."""
        data = read(forms.MyExclusionForm, request.data)
        exclusion = exclude(
            player_id=me(request),
            kind=ExclusionKind(data["kind"]),
            term=data["term"],
            reason=data["reason"],
            idempotency_key=read_key(request),
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(forms.MyExclusionSerializer(exclusion).data, status=201)


class MyPanicButton(MeView):
    @extend_schema(operation_id="press_panic_button", request=None, responses={201: forms.MyExclusionSerializer})
    def post(self, request: Request) -> Response:
        """Stop everything for 24 hours. No body, no key, no question: a session can press it once, for it ends."""
        exclusion = exclude(
            player_id=me(request),
            kind=ExclusionKind.PANIC,
            idempotency_key=f"panic:{token_of(request).session_id}",
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(forms.MyExclusionSerializer(exclusion).data, status=201)


class MyExclusionEnd(MeView):
    @extend_schema(
        operation_id="request_my_exclusion_end",
        request=forms.EndRequestForm,
        responses={201: forms.EndRequestSerializer},
    )
    def post(self, request: Request, exclusion_id: UUID) -> Response:
        """Ask to end an exclusion. Asking again gives the same request. Who cannot log in asks the operator."""
        if get_exclusion(exclusion_id).player_id != me(request):
            raise NotFound(f"There is no exclusion {exclusion_id}.")
        data = read(forms.EndRequestForm, request.data)
        asked = request_end(exclusion_id=exclusion_id, reason=data["reason"], actor=actor_of(request), at=clock.now())
        return Response(forms.EndRequestSerializer(asked).data, status=201)
