"""Points given and redeemed, for service clients and for players themselves."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.actors import Actor
from kernel.rest import me as players
from kernel.rest.keys import read_key
from kernel.rest.me import MeView, me
from kernel.rest.pagination import PageQuery, decode_cursor, page, whole
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, actor_of, read
from loyalty.rest import serializers as forms
from loyalty.selectors import find_redemption, list_catalogue, list_redemptions
from loyalty.services import points, redemptions
from players.selectors import get_player


class AddPoints(ApiView):
    required_scopes = {"POST": "loyalty:write"}

    @extend_schema(
        operation_id="add_points",
        request=forms.AddPointsSerializer,
        responses=forms.PointsEntrySerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        """Give points, once for the idempotency key; below zero takes them, as far as there are so many."""
        form = read(forms.AddPointsSerializer, request.data)
        entry = points.add_points(**form, idempotency_key=read_key(request), actor=actor_of(request), at=clock.now())
        return Response(forms.PointsEntrySerializer(entry).data)


class Catalogue(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(operation_id="list_catalogue", responses=page_of(forms.CatalogueItemSerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """What a player's points buy now."""
        return whole(list_catalogue(player_id, clock.now()), forms.CatalogueItemSerializer)


class Redemptions(ApiView):
    required_scopes = {"GET": "loyalty:read", "POST": "loyalty:write"}

    @extend_schema(
        operation_id="list_redemptions", parameters=[PageQuery], responses=page_of(forms.RedemptionSerializer)
    )
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's redemptions, newest first."""
        get_player(player_id)
        return _page(request, player_id)

    @extend_schema(
        operation_id="redeem_points",
        request=forms.RedeemSerializer,
        responses=forms.RedemptionSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, player_id: UUID) -> Response:
        """Redeem points for a player: granted at once, or waiting for staff; refused gives the points back."""
        return _redeem(request, player_id, actor_of(request))


class OneRedemption(ApiView):
    required_scopes = {"GET": "loyalty:read"}

    @extend_schema(operation_id="get_redemption", responses=forms.RedemptionSerializer)
    def get(self, request: Request, redemption_id: UUID) -> Response:
        """One redemption."""
        found = find_redemption(redemption_id)
        if found is None:
            raise redemptions.UnknownRedemption("There is no such redemption.")
        return Response(forms.RedemptionSerializer(found).data)


class Confirm(ApiView):
    required_scopes = {"POST": "loyalty:write"}

    @extend_schema(operation_id="confirm_redemption", request=None, responses=forms.RedemptionSerializer)
    def post(self, request: Request, redemption_id: UUID) -> Response:
        """Grant the bonus, and write the points off; granted already: stays so."""
        done = redemptions.confirm(redemption_id=redemption_id, actor=actor_of(request), at=clock.now())
        return Response(forms.RedemptionSerializer(done).data)


class Reject(ApiView):
    required_scopes = {"POST": "loyalty:write"}

    @extend_schema(
        operation_id="reject_redemption",
        request=forms.RejectRedemptionSerializer,
        responses=forms.RedemptionSerializer,
    )
    def post(self, request: Request, redemption_id: UUID) -> Response:
        """Give the points back; rejected already: stays so."""
        form = read(forms.RejectRedemptionSerializer, request.data)
        done = redemptions.reject(redemption_id=redemption_id, **form, actor=actor_of(request), at=clock.now())
        return Response(forms.RedemptionSerializer(done).data)


class MyCatalogue(MeView):
    @extend_schema(operation_id="list_my_catalogue", responses=page_of(forms.CatalogueItemSerializer))
    def get(self, request: Request) -> Response:
        """What one's points buy now."""
        return whole(list_catalogue(me(request), clock.now()), forms.CatalogueItemSerializer)


class MyRedemptions(MeView):
    @extend_schema(
        operation_id="list_my_redemptions", parameters=[PageQuery], responses=page_of(forms.RedemptionSerializer)
    )
    def get(self, request: Request) -> Response:
        """One's redemptions, newest first."""
        return _page(request, me(request))

    @extend_schema(
        operation_id="redeem_my_points",
        request=forms.RedeemSerializer,
        responses=forms.RedemptionSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        """Redeem points: granted at once, or waiting for staff; refused gives the points back."""
        return _redeem(request, me(request), players.actor_of(request))


def _redeem(request: Request, player_id: UUID, actor: Actor) -> Response:
    form = read(forms.RedeemSerializer, request.data)
    done = redemptions.request_redemption(
        player_id=player_id, **form, idempotency_key=read_key(request), actor=actor, at=clock.now()
    )
    return Response(forms.RedemptionSerializer(done).data)


def _page(request: Request, player_id: UUID) -> Response:
    query = read(PageQuery, request.query_params)
    cursor = decode_cursor(query["cursor"], tuple[UUID])
    rows = list_redemptions(player_id, before=cursor[0] if cursor else None, limit=query["limit"] + 1)
    return page(request, rows, query["limit"], forms.RedemptionSerializer, lambda row: (row.id,))
