"""Withdrawals and instruments over REST."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.rest.bodies import read_money
from kernel.rest.keys import read_key
from kernel.rest.pagination import PageQuery, decode_cursor, page, whole
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import page_of
from kernel.rest.views import ApiView, actor_of, read
from players.selectors import get_player
from wallet.rest import serializers as forms
from wallet.selectors import get_withdrawal, list_instruments, list_withdrawals
from wallet.services.payment_instruments import register_instrument
from wallet.services.withdrawals import cancel_withdrawal, request_withdrawal
from wallet.types_payments import InstrumentKind


class Withdrawals(ApiView):
    required_scopes = {"POST": "payments:write"}

    @extend_schema(
        operation_id="request_withdrawal",
        parameters=[IDEMPOTENCY_KEY],
        request=forms.WithdrawalForm,
        responses={201: forms.WithdrawalSerializer},
    )
    def post(self, request: Request) -> Response:
        """Ask for money to be paid. It is set aside at once; read ``state`` for what happens to it."""
        key = read_key(request)
        data = read(forms.WithdrawalForm, request.data)
        actor = actor_of(request)
        withdrawal = request_withdrawal(
            player_id=data["player_id"],
            amount=read_money("amount", data["amount"], data["currency"]),
            instrument_id=data["instrument_id"],
            source=actor.id,
            idempotency_key=key,
            actor=actor,
            at=clock.now(),
        )
        location = f"{request.path}/{withdrawal.id}"
        return Response(forms.WithdrawalSerializer(withdrawal).data, status=201, headers={"Location": location})


class Withdrawal(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(operation_id="get_withdrawal", responses=forms.WithdrawalSerializer)
    def get(self, request: Request, withdrawal_id: UUID) -> Response:
        """One withdrawal."""
        return Response(forms.WithdrawalSerializer(get_withdrawal(withdrawal_id)).data)


class Cancellation(ApiView):
    required_scopes = {"POST": "payments:write"}

    @extend_schema(operation_id="cancel_withdrawal", request=None, responses=forms.WithdrawalSerializer)
    def post(self, request: Request, withdrawal_id: UUID) -> Response:
        """The player takes it back, before it is sent and where that is allowed; again is the same as once."""
        withdrawal = cancel_withdrawal(withdrawal_id=withdrawal_id, actor=actor_of(request), at=clock.now())
        return Response(forms.WithdrawalSerializer(withdrawal).data)


class PlayerWithdrawals(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(
        operation_id="list_withdrawals", parameters=[PageQuery], responses=page_of(forms.WithdrawalSerializer)
    )
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's withdrawals, newest first."""
        query = read(PageQuery, request.query_params)
        get_player(player_id)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_withdrawals(player_id, before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], forms.WithdrawalSerializer, lambda row: (row.id,))


class Instruments(ApiView):
    required_scopes = {"POST": "payments:write"}

    @extend_schema(
        operation_id="register_instrument", request=forms.InstrumentForm, responses={201: forms.InstrumentSerializer}
    )
    def post(self, request: Request) -> Response:
        """Make a means of payment known by its provider's token; the one that is known already stays one."""
        data = read(forms.InstrumentForm, request.data)
        instrument = register_instrument(
            player_id=data["player_id"],
            provider=data["provider"],
            token=data["token"],
            kind=InstrumentKind(data["kind"]),
            label=data["label"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(forms.InstrumentSerializer(instrument).data, status=201)


class PlayerInstruments(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(operation_id="list_instruments", responses=page_of(forms.InstrumentSerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """What a player has paid with, and may be paid to."""
        get_player(player_id)
        return whole(list_instruments(player_id), forms.InstrumentSerializer)
