"""Free spins, tournaments, the end of rounds, jackpots and fees over REST. The Idempotency-Key is the transfer's key."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel import clock
from kernel.actors import Actor
from kernel.rest.bodies import read_json, read_money
from kernel.rest.keys import read_reference
from kernel.rest.pagination import whole
from kernel.rest.plain import api_view, json_answer
from kernel.rest.serializers import StrictSerializer, page_of
from kernel.rest.views import ApiView, read
from players.selectors import get_player
from wallet.rest import purse_forms
from wallet.rest.postings import answer_of, success_of
from wallet.selectors import get_balances, list_jackpots, list_purses
from wallet.services import free_spins, jackpots, rounds, tournaments
from wallet.services.fees import quote_withdrawal
from wallet.types import AccountKind, PurseTerms
from wallet.types_purses import FreeSpinsTerms


@api_view("POST", "bets:write")
def close(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, purse_forms.RoundClose)
    posting = rounds.close_round(
        player_id=body.player_id,
        game=body.game,
        round_id=body.round,
        currency=get_balances(body.player_id).real.currency,
        source=actor.id,
        idempotency_key=key,
        actor=actor,
        at=clock.now(),
    )
    return answer_of(posting)


@api_view("POST", "bets:write")
def jackpot_win(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, purse_forms.JackpotWin)
    posting = jackpots.pay_jackpot(
        player_id=body.player_id,
        source=actor.id,
        idempotency_key=key,
        bet_key=body.bet_key,
        jackpot=body.jackpot,
        amount=read_money("amount", body.amount, body.currency),
        actor=actor,
        at=clock.now(),
    )
    return answer_of(posting)


@api_view("POST", "bets:write")
def free_bet(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, purse_forms.FreeBet)
    posting = free_spins.use_free_spins(
        player_id=body.player_id,
        source=actor.id,
        idempotency_key=key,
        game=body.game,
        round_id=body.round,
        value=read_money("value", body.value, body.currency),
        actor=actor,
        at=clock.now(),
    )
    return answer_of(posting)


@api_view("POST", "wallet:write")
def grant(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, purse_forms.FreeSpinsGrant)
    winnings = body.winnings
    terms = FreeSpinsTerms(
        count=body.spins,
        value=read_money("spin_value", body.spin_value, body.currency),
        games=tuple(body.games),
        active_until=_utc(body.active_until),
        winnings=PurseTerms(
            stake_cap=read_money("stake_cap", winnings.stake_cap, body.currency) if winnings.stake_cap else None,
            game_categories=tuple(winnings.game_categories),
            active_until=_utc(winnings.active_until),
        )
        if winnings
        else None,
    )
    purse_id, posting = free_spins.grant_free_spins(
        player_id=body.player_id, terms=terms, source=actor.id, idempotency_key=key, actor=actor, at=clock.now()
    )
    if not posting.ok:
        return answer_of(posting)
    said = success_of(posting)
    return json_answer(
        purse_forms.GrantAnswer(
            outcome=said.outcome,
            reason=said.reason,
            transfer_id=said.transfer_id,
            win_transfer_id=None,
            balance=said.balance,
            purse_id=purse_id,
        )
    )


@api_view("POST", "wallet:write")
def forfeit(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, purse_forms.FreeSpinsEnd)
    posting = free_spins.end_free_spins(
        player_id=body.player_id,
        purse_id=body.purse_id,
        why="forfeited",
        currency=get_balances(body.player_id).real.currency,
        source=actor.id,
        idempotency_key=key,
        actor=actor,
        at=clock.now(),
    )
    return answer_of(posting)


@api_view("POST", "bets:write")
def buy(request: HttpRequest, actor: Actor) -> HttpResponse:
    return _buy(request, actor, rebuy=False)


@api_view("POST", "bets:write")
def rebuy(request: HttpRequest, actor: Actor) -> HttpResponse:
    return _buy(request, actor, rebuy=True)


def _buy(request: HttpRequest, actor: Actor, *, rebuy: bool) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, purse_forms.BuyIn)
    posting = tournaments.buy_in(
        player_id=body.player_id,
        tournament=body.tournament,
        amount=read_money("amount", body.amount, body.currency),
        rebuy=rebuy,
        source=actor.id,
        idempotency_key=key,
        actor=actor,
        at=clock.now(),
    )
    return answer_of(posting)


@api_view("POST", "bets:write")
def settle(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, purse_forms.Settlement)
    posting = tournaments.settle_tournament(
        player_id=body.player_id,
        tournament=body.tournament,
        prize=read_money("prize", body.prize, body.currency),
        source=actor.id,
        idempotency_key=key,
        actor=actor,
        at=clock.now(),
    )
    return answer_of(posting)


@api_view("POST", "bets:write")
def refund(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, purse_forms.Refund)
    posting = tournaments.refund_tournament(
        player_id=body.player_id,
        tournament=body.tournament,
        currency=get_balances(body.player_id).real.currency,
        source=actor.id,
        idempotency_key=key,
        actor=actor,
        at=clock.now(),
    )
    return answer_of(posting)


class FreeSpinsSerializer(serializers.Serializer):
    """A purse of free spins that is open."""

    purse_id = serializers.UUIDField(source="id")
    spins_left = serializers.IntegerField()
    spin_value = serializers.CharField()
    currency = serializers.CharField(source="balance.currency")
    games = serializers.ListField(child=serializers.CharField(), source="game_codes", help_text="Empty: all games.")
    active_until = serializers.DateTimeField(allow_null=True)
    winnings_purse_id = serializers.UUIDField(
        source="winnings_id", allow_null=True, help_text="The bonus purse that wins go to; null: they are real money."
    )
    granted_at = serializers.DateTimeField(source="opened_at")


class PlayerFreeSpins(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(operation_id="list_free_spins", responses=page_of(FreeSpinsSerializer))
    def get(self, request: Request, player_id: UUID) -> Response:
        """A player's purses of free spins that can be used or forfeited."""
        get_player(player_id)
        now = clock.now()
        purses = [
            purse
            for purse in list_purses(player_id)
            if purse.kind is AccountKind.FREE_SPINS
            and not purse.closed_at
            and (purse.active_until is None or purse.active_until > now)
        ]
        return whole(purses, FreeSpinsSerializer)


class JackpotSerializer(serializers.Serializer):
    """A jackpot. Below zero, more was paid than came in."""

    code = serializers.CharField()
    name = serializers.CharField()
    balance = serializers.CharField()
    currency = serializers.CharField(source="balance.currency")


class Jackpots(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(operation_id="list_jackpots", responses=page_of(JackpotSerializer))
    def get(self, request: Request) -> Response:
        """All jackpots, with what is in them."""
        return whole(list_jackpots(), JackpotSerializer)


class WithdrawalFeeQuery(StrictSerializer):
    player_id = serializers.UUIDField()
    amount = serializers.CharField(max_length=24, help_text="Major units as a decimal string.")
    currency = serializers.CharField(max_length=3)
    instrument_id = serializers.UUIDField()


class WithdrawalFeeSerializer(serializers.Serializer):
    """What a withdrawal would cost now: of ``amount``, ``fee`` is the house's and ``receives`` arrives."""

    amount = serializers.CharField()
    fee = serializers.CharField()
    receives = serializers.CharField()
    currency = serializers.CharField(source="amount.currency")


class WithdrawalFee(ApiView):
    required_scopes = {"GET": "wallet:read"}

    @extend_schema(
        operation_id="get_withdrawal_fee", parameters=[WithdrawalFeeQuery], responses=WithdrawalFeeSerializer
    )
    def get(self, request: Request) -> Response:
        """What a withdrawal would cost, to be shown before it is asked for."""
        query = read(WithdrawalFeeQuery, request.query_params)
        quote = quote_withdrawal(
            player_id=query["player_id"],
            amount=read_money("amount", query["amount"], query["currency"]),
            instrument_id=query["instrument_id"],
            at=clock.now(),
        )
        return Response(WithdrawalFeeSerializer(quote).data)


def _utc(moment: datetime | None) -> datetime | None:
    """Without a zone it is UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
