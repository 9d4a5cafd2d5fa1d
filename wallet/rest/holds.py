"""Reserved bets over REST. The Idempotency-Key of a capture is the bet's key, which its wins and rollback name."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.actors import Actor
from kernel.errors import NotFound
from kernel.rest.bodies import read_json, read_money
from kernel.rest.keys import read_reference
from kernel.rest.pagination import decode_cursor, page
from kernel.rest.plain import api_view
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, read
from players.selectors import get_player
from wallet.rest import forms
from wallet.rest.postings import answer_of
from wallet.rest.serializers import HoldSerializer, HoldsQuery
from wallet.selectors_holds import get_hold, list_holds
from wallet.services import holds
from wallet.types import HoldDetails


@api_view("POST", "bets:write")
def reserve(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, forms.Reserve)
    return answer_of(
        holds.reserve(
            player_id=body.player_id,
            source=actor.id,
            idempotency_key=key,
            game=body.game,
            round_id=body.round,
            amount=read_money("amount", body.amount, body.currency),
            expires_at=body.expires_at,
            event_begins_at=body.event_begins_at,
            actor=actor,
            at=clock.now(),
        )
    )


@api_view("POST", "bets:write")
def capture(request: HttpRequest, actor: Actor, hold_id: UUID) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, forms.Capture)
    hold = _own(hold_id, actor)
    return answer_of(
        holds.capture(
            player_id=hold.player_id,
            source=actor.id,
            idempotency_key=key,
            hold_key=hold.key,
            amount=read_money("amount", body.amount, body.currency),
            actor=actor,
            at=clock.now(),
        )
    )


@api_view("POST", "bets:write")
def release(request: HttpRequest, actor: Actor, hold_id: UUID) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, forms.Release)
    hold = _own(hold_id, actor)
    currency = hold.amount.currency
    return answer_of(
        holds.release(
            player_id=hold.player_id,
            source=actor.id,
            idempotency_key=key,
            hold_key=hold.key,
            currency=currency,
            amount=None if body.amount is None else read_money("amount", body.amount, currency),
            actor=actor,
            at=clock.now(),
        )
    )


class Hold(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(operation_id="get_hold", responses=HoldSerializer)
    def get(self, request: Request, hold_id: UUID) -> Response:
        """One hold."""
        return Response(HoldSerializer(get_hold(hold_id)).data)


class PlayerHolds(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(operation_id="list_holds", parameters=[HoldsQuery], responses=page_of(HoldSerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's holds, newest first."""
        query = read(HoldsQuery, request.query_params)
        get_player(player_id)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        before, limit = cursor[0] if cursor else None, query["limit"]
        rows = list_holds(player_id, open_only=query["open"], before=before, limit=limit + 1)
        return page(request, rows, limit, HoldSerializer, lambda row: (row.id,))


def _own(hold_id: UUID, actor: Actor) -> HoldDetails:
    """Whoever reserved it settles it. Raises: NotFound."""
    hold = get_hold(hold_id)
    if hold.source != actor.id:
        raise NotFound(f"There is no hold {hold_id} of this client.")
    return hold
