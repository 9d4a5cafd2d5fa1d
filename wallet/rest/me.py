"""The player API: one's own balance, history, instruments, deposits and withdrawals, by the services that all use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.errors import NotFound
from kernel.rest.bodies import read_money
from kernel.rest.keys import read_key
from kernel.rest.me import MeView, actor_of, me, source_of
from kernel.rest.pagination import PageQuery, decode_cursor, page, page_at, whole
from kernel.rest.schema import IDEMPOTENCY_KEY
from kernel.rest.serializers import AmountField, StrictSerializer, choice, page_of
from kernel.rest.views import read
from kernel.streaming import csv_download
from wallet.rest import serializers as forms
from wallet.rest.history import read_before, read_filter
from wallet.rest.purses import WithdrawalFeeSerializer
from wallet.selectors import (
    get_balances,
    get_deposit,
    get_instrument,
    get_withdrawal,
    list_deposits,
    list_instruments,
    list_withdrawals,
)
from wallet.selectors_history import list_history, list_rounds
from wallet.services.deposits import cancel_deposit, request_deposit
from wallet.services.exports import export_history
from wallet.services.fees import quote_withdrawal
from wallet.services.payment_instruments import register_instrument
from wallet.services.withdrawals import cancel_withdrawal, request_withdrawal
from wallet.types_payments import DepositDetails, InstrumentDetails, InstrumentKind, WithdrawalDetails

Row = TypeVar("Row", DepositDetails, InstrumentDetails, WithdrawalDetails)


class MyBalanceSerializer(serializers.Serializer):
    """What the player holds: ``total`` is ``real`` and ``bonus`` together; the rest is not in it."""

    currency = serializers.CharField(source="real.currency")
    real = serializers.CharField()
    bonus = serializers.CharField()
    total = serializers.CharField()
    free_spins = serializers.IntegerField(source="spins_left", help_text="Spins left.")
    free_spins_value = serializers.CharField(source="free_spins", help_text="What they are worth.")
    tournament = serializers.CharField(help_text="Paid into tournaments that are not settled.")
    held = serializers.CharField(help_text="Set aside for withdrawals and reserved bets.")


class MyInstrumentForm(StrictSerializer):
    """A means of payment to be paid to."""

    provider = serializers.CharField(max_length=40)
    token = serializers.CharField(max_length=120, help_text="The provider's token; never a card number.")
    kind = choice(InstrumentKind, default=InstrumentKind.OTHER)
    label = serializers.CharField(max_length=60, default="", allow_blank=True)  # type: ignore[assignment]


class MyDepositForm(StrictSerializer):
    """A payment that a provider is to take in."""

    amount = AmountField(max_length=24, help_text="Major units as a decimal string.")
    currency = serializers.CharField(max_length=3)
    provider = serializers.CharField(max_length=40)
    instrument = serializers.CharField(max_length=120, help_text="The provider's token; never a card number.")


class MyWithdrawalForm(StrictSerializer):
    """Money that the player wants to be paid."""

    amount = AmountField(max_length=24, help_text="Major units as a decimal string.")
    currency = serializers.CharField(max_length=3)
    instrument_id = serializers.UUIDField()


class MyBalance(MeView):
    @extend_schema(operation_id="get_my_balance", responses=MyBalanceSerializer)
    def get(self, request: Request) -> Response:
        """What the player holds now."""
        return Response(MyBalanceSerializer(get_balances(me(request))).data)


class MyTransactions(MeView):
    @extend_schema(
        operation_id="list_my_transactions",
        parameters=[forms.TransactionsQuery],
        responses=page_of(forms.TransactionSerializer),
    )
    def get(self, request: Request) -> Response:
        """The player's transfers, newest first. A page may hold fewer rows than asked for: follow `next`."""
        query = read(forms.TransactionsQuery, request.query_params)
        found = list_history(me(request), wanted=read_filter(query), before=read_before(query), limit=query["limit"])
        return page_at(request, found.items, forms.TransactionSerializer, (found.next,) if found.next else None)


class MyTransactionsFile(MeView):
    @extend_schema(
        operation_id="export_my_transactions",
        parameters=[forms.PeriodQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The player's transfers of a period as CSV, oldest first, streamed."""
        query = read(forms.PeriodQuery, request.query_params)
        chunks = export_history(player_id=me(request), since=query["since"], until=query["until"])
        return csv_download(request._request, chunks, "transactions.csv")


class MyRounds(MeView):
    @extend_schema(
        operation_id="list_my_rounds", parameters=[forms.RoundsQuery], responses=page_of(forms.RoundSerializer)
    )
    def get(self, request: Request) -> Response:
        """The player's rounds, the newest first. A page may hold fewer rows than asked for: follow `next`."""
        query = read(forms.RoundsQuery, request.query_params)
        found = list_rounds(me(request), wanted=read_filter(query), before=read_before(query), limit=query["limit"])
        return page_at(request, found.items, forms.RoundSerializer, (found.next,) if found.next else None)


class MyInstruments(MeView):
    step_up = frozenset({"POST"})

    @extend_schema(operation_id="list_my_instruments", responses=page_of(forms.InstrumentSerializer))
    def get(self, request: Request) -> Response:
        """What the player has paid with, and may be paid to."""
        return whole(list_instruments(me(request)), forms.InstrumentSerializer)

    @extend_schema(
        operation_id="register_my_instrument", request=MyInstrumentForm, responses={201: forms.InstrumentSerializer}
    )
    def post(self, request: Request) -> Response:
        """Name a means of payment to be paid to; needs a fresh proof of identity."""
        data = read(MyInstrumentForm, request.data)
        instrument = register_instrument(
            player_id=me(request),
            provider=data["provider"],
            token=data["token"],
            kind=InstrumentKind(data["kind"]),
            label=data["label"],
            actor=actor_of(request),
            at=clock.now(),
        )
        return Response(forms.InstrumentSerializer(instrument).data, status=201)


class MyDeposits(MeView):
    @extend_schema(operation_id="list_my_deposits", responses=page_of(forms.DepositSerializer))
    def get(self, request: Request) -> Response:
        """The player's last deposits, newest first."""
        return whole(list_deposits(me(request)), forms.DepositSerializer)

    @extend_schema(
        operation_id="request_my_deposit",
        parameters=[IDEMPOTENCY_KEY],
        request=MyDepositForm,
        responses={201: forms.DepositSerializer},
    )
    def post(self, request: Request) -> Response:
        """Pay in. Read ``state``: a provider may decline, or answer only later."""
        key = read_key(request)
        data = read(MyDepositForm, request.data)
        deposit = request_deposit(
            player_id=me(request),
            amount=read_money("amount", data["amount"], data["currency"]),
            provider=data["provider"],
            instrument=data["instrument"],
            source=source_of(request),
            idempotency_key=key,
            actor=actor_of(request),
            at=clock.now(),
        )
        location = f"{request.path}/{deposit.id}"
        return Response(forms.DepositSerializer(deposit).data, status=201, headers={"Location": location})


class MyDeposit(MeView):
    @extend_schema(operation_id="get_my_deposit", responses=forms.DepositSerializer)
    def get(self, request: Request, deposit_id: UUID) -> Response:
        """One deposit."""
        return Response(forms.DepositSerializer(_own(request, get_deposit, deposit_id)).data)


class MyDepositCancellation(MeView):
    @extend_schema(operation_id="cancel_my_deposit", request=None, responses=forms.DepositSerializer)
    def post(self, request: Request, deposit_id: UUID) -> Response:
        """Give it up, as long as it is not made; again is the same as once.

        Should the provider take the money after all, it is credited: read `state`.
        """
        _own(request, get_deposit, deposit_id)
        deposit = cancel_deposit(deposit_id=deposit_id, actor=actor_of(request), at=clock.now())
        return Response(forms.DepositSerializer(deposit).data)


class MyWithdrawalFee(MeView):
    @extend_schema(
        operation_id="get_my_withdrawal_fee", parameters=[MyWithdrawalForm], responses=WithdrawalFeeSerializer
    )
    def get(self, request: Request) -> Response:
        """What a withdrawal would cost, to be shown before it is asked for."""
        query = read(MyWithdrawalForm, request.query_params)
        _own(request, get_instrument, query["instrument_id"])
        quote = quote_withdrawal(
            player_id=me(request),
            amount=read_money("amount", query["amount"], query["currency"]),
            instrument_id=query["instrument_id"],
            at=clock.now(),
        )
        return Response(WithdrawalFeeSerializer(quote).data)


class MyWithdrawals(MeView):
    # Whoever pays in with a card of their own has an instrument without any proof: the payout is what is guarded.
    step_up = frozenset({"POST"})

    @extend_schema(
        operation_id="list_my_withdrawals", parameters=[PageQuery], responses=page_of(forms.WithdrawalSerializer)
    )
    def get(self, request: Request) -> Response:
        """The player's withdrawals, newest first."""
        query = read(PageQuery, request.query_params)
        cursor = decode_cursor(query["cursor"], tuple[UUID])
        rows = list_withdrawals(me(request), before=cursor[0] if cursor else None, limit=query["limit"] + 1)
        return page(request, rows, query["limit"], forms.WithdrawalSerializer, lambda row: (row.id,))

    @extend_schema(
        operation_id="request_my_withdrawal",
        parameters=[IDEMPOTENCY_KEY],
        request=MyWithdrawalForm,
        responses={201: forms.WithdrawalSerializer},
    )
    def post(self, request: Request) -> Response:
        """Ask to be paid; needs a fresh proof of identity. The money is set aside at once: read ``state`` for the rest."""
        key = read_key(request)
        data = read(MyWithdrawalForm, request.data)
        withdrawal = request_withdrawal(
            player_id=me(request),
            amount=read_money("amount", data["amount"], data["currency"]),
            instrument_id=data["instrument_id"],
            source=source_of(request),
            idempotency_key=key,
            actor=actor_of(request),
            at=clock.now(),
        )
        location = f"{request.path}/{withdrawal.id}"
        return Response(forms.WithdrawalSerializer(withdrawal).data, status=201, headers={"Location": location})


class MyWithdrawal(MeView):
    @extend_schema(operation_id="get_my_withdrawal", responses=forms.WithdrawalSerializer)
    def get(self, request: Request, withdrawal_id: UUID) -> Response:
        """One withdrawal."""
        return Response(forms.WithdrawalSerializer(_own(request, get_withdrawal, withdrawal_id)).data)


class MyCancellation(MeView):
    @extend_schema(operation_id="cancel_my_withdrawal", request=None, responses=forms.WithdrawalSerializer)
    def post(self, request: Request, withdrawal_id: UUID) -> Response:
        """Take it back, before it is sent and where that is allowed; again is the same as once."""
        _own(request, get_withdrawal, withdrawal_id)
        withdrawal = cancel_withdrawal(withdrawal_id=withdrawal_id, actor=actor_of(request), at=clock.now())
        return Response(forms.WithdrawalSerializer(withdrawal).data)


def _own(request: Request, get: Callable[[UUID], Row], wanted: UUID) -> Row:
    """Another player's is answered as one that never was. Raises: NotFound."""
    try:
        row = get(wanted)
    except NotFound:
        row = None
    if row is None or row.player_id != me(request):
        raise NotFound(f"There is none with the id {wanted}.")
    return row
