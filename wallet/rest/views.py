"""Deposits and games over REST; the hot path is in ``postings``, the history in ``history``."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.rest.bodies import read_money
from kernel.rest.keys import read_key
from kernel.rest.pagination import whole
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, actor_of, read
from wallet.rest import serializers as forms
from wallet.selectors import get_deposit, list_games
from wallet.services.deposits import cancel_deposit, request_deposit


class Deposits(ApiView):
    required_scopes = {"POST": "payments:write"}

    @extend_schema(
        operation_id="request_deposit",
        parameters=[IDEMPOTENCY_KEY],
        request=forms.DepositForm,
        responses={201: forms.DepositSerializer},
    )
    def post(self, request: Request) -> Response:
        """Take a payment in. Read ``state``: a provider may decline, or answer only later."""
        key = read_key(request)
        data = read(forms.DepositForm, request.data)
        actor = actor_of(request)
        deposit = request_deposit(
            player_id=data["player_id"],
            amount=read_money("amount", data["amount"], data["currency"]),
            provider=data["provider"],
            instrument=data["instrument"],
            source=actor.id,
            idempotency_key=key,
            actor=actor,
            at=clock.now(),
        )
        location = f"{request.path}/{deposit.id}"
        return Response(forms.DepositSerializer(deposit).data, status=201, headers={"Location": location})


class Deposit(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(operation_id="get_deposit", responses=forms.DepositSerializer)
    def get(self, request: Request, deposit_id: UUID) -> Response:
        """One deposit."""
        return Response(forms.DepositSerializer(get_deposit(deposit_id)).data)


class DepositCancellation(ApiView):
    required_scopes = {"POST": "payments:write"}

    @extend_schema(operation_id="cancel_deposit", request=None, responses=forms.DepositSerializer)
    def post(self, request: Request, deposit_id: UUID) -> Response:
        """The player gives it up, as long as it is not made; again is the same as once.

        Should the provider take the money after all, it is credited: read `state`.
        """
        deposit = cancel_deposit(deposit_id=deposit_id, actor=actor_of(request), at=clock.now())
        return Response(forms.DepositSerializer(deposit).data)


class Games(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(operation_id="list_games", parameters=[forms.GamesQuery], responses=page_of(forms.GameSerializer))
    def get(self, request: Request) -> Response:
        """The game catalogue, by code."""
        query = read(forms.GamesQuery, request.query_params)
        return whole(list_games(active=query["active"]), forms.GameSerializer)
