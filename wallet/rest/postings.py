"""The hot path: plays, bets, wins, rollbacks and balances. The Idempotency-Key header is the transfer's key."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse

from compliance.types_gate import REASON_TEXTS
from kernel import clock
from kernel.actors import Actor
from kernel.errors import FieldErrors
from kernel.rest.bodies import read_json, read_moment, read_money
from kernel.rest.keys import read_reference
from kernel.rest.plain import api_view, json_answer
from kernel.rest.problems import problem, register_problem
from players.types import public_reason
from wallet.rest import forms
from wallet.selectors import get_balances
from wallet.selectors_history import get_balances_at
from wallet.services import bets
from wallet.types import Outcome, Posting, RefusalReason
from wallet.types_purses import JackpotShare, RoundExtras

# Outcomes that are not a success: status, code and title of the problem. Refusals have the reason as their code.
_PROBLEMS = {
    Outcome.CONFLICT: (409, "idempotency_conflict", "Idempotency key reused with other content"),
    Outcome.UNKNOWN_REFERENCE: (404, "unknown_reference", "There is no such bet of this player"),
    Outcome.TOMBSTONED: (409, "tombstoned", "The bet was rolled back before it came"),
}
_REFUSALS = {
    RefusalReason.INSUFFICIENT_FUNDS: "The player has not enough money",
    RefusalReason.UNKNOWN_PLAYER: "There is no such player",
    RefusalReason.UNKNOWN_GAME: "There is no such game, or it is not active",
    RefusalReason.WRONG_CURRENCY: "The player's currency is another one",
    RefusalReason.STAKE_ABOVE_CAP: "The stake is above what may be staked at once",
    RefusalReason.WINNINGS_SPENT: "The winnings to take back are spent",
    RefusalReason.ROUND_CLOSED: "The round is over",
    RefusalReason.ROUND_HELD: "Money is still reserved on the round",
    RefusalReason.NO_FREE_SPINS: "The player has no free spins that fit",
    RefusalReason.UNKNOWN_JACKPOT: "There is no such jackpot in this currency",
    RefusalReason.ALREADY_ENTERED: "The player is in this tournament already",
    RefusalReason.HOLD_EXCEEDED: "Less than that is left of the hold",
    RefusalReason.HOLD_EXPIRED: "The hold's time is over",
}
_RESTRICTED = (403, "The player may not play now")

for _status, _code, _title in _PROBLEMS.values():
    register_problem(_code, _status, _title)
for _reason, _title in _REFUSALS.items():
    register_problem(_reason.value, 422, _title)
for _code in REASON_TEXTS.keys() - _REFUSALS.keys():
    register_problem(_code, *_RESTRICTED)


@api_view("POST", "bets:write")
def play(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, forms.Play)
    return answer_of(
        bets.play(
            player_id=body.player_id,
            source=actor.id,
            idempotency_key=key,
            game=body.game,
            round_id=body.round,
            stake=read_money("stake", body.stake, body.currency),
            win=read_money("win", body.win, body.currency),
            extras=_extras(body),
            actor=actor,
            at=clock.now(),
        )
    )


@api_view("POST", "bets:write")
def bet(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, forms.Bet)
    return answer_of(
        bets.place_bet(
            player_id=body.player_id,
            source=actor.id,
            idempotency_key=key,
            game=body.game,
            round_id=body.round,
            stake=read_money("stake", body.stake, body.currency),
            extras=_extras(body),
            actor=actor,
            at=clock.now(),
        )
    )


@api_view("POST", "bets:write")
def win(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, forms.Win)
    return answer_of(
        bets.credit_win(
            player_id=body.player_id,
            source=actor.id,
            idempotency_key=key,
            bet_key=body.bet_key,
            amount=read_money("amount", body.amount, body.currency),
            raked=body.raked,
            round_closed=body.round_closed,
            actor=actor,
            at=clock.now(),
        )
    )


@api_view("POST", "bets:write")
def rollback(request: HttpRequest, actor: Actor) -> HttpResponse:
    key = read_reference(request)
    body = read_json(request, forms.Rollback)
    posting = bets.roll_back_bet(
        player_id=body.player_id,
        source=actor.id,
        idempotency_key=key,
        bet_key=body.bet_key,
        actor=actor,
        at=clock.now(),
    )
    if posting.outcome is Outcome.TOMBSTONED:  # the bet can never be placed: what was asked for
        return json_answer(success_of(posting))
    return answer_of(posting)


@api_view("GET", "wallet:read")
def balance(request: HttpRequest, actor: Actor, player_id: UUID) -> HttpResponse:
    at = request.GET.get("at")
    held = get_balances(player_id) if at is None else get_balances_at(player_id, read_moment("at", at))
    return json_answer(forms.holding_of(held))


def _extras(body: forms.Play | forms.Bet) -> RoundExtras:
    try:
        shares = tuple(JackpotShare(share.jackpot, Decimal(share.amount)) for share in body.contributions)
    except InvalidOperation:
        shares = ()
    if any(not share.amount.is_finite() for share in shares) or len(shares) < len(body.contributions):
        raise FieldErrors({"contributions": ['Write amounts as decimal strings in major units, such as "0.0125".']})
    return RoundExtras(shares, body.round_closed)


def answer_of(posting: Posting) -> HttpResponse:
    """Success or problem, with the balance."""
    if posting.ok:
        return json_answer(success_of(posting))
    if posting.outcome in _PROBLEMS:
        status, code, title = _PROBLEMS[posting.outcome]
    else:
        code = public_reason(posting.reason)
        status, title = (422, _REFUSALS[RefusalReason(code)]) if code in _REFUSALS else _RESTRICTED
    held = None if code == RefusalReason.UNKNOWN_PLAYER else posting
    return problem(
        status,
        code,
        REASON_TEXTS.get(code, f"{title}."),
        title=title,
        outcome=posting.outcome,
        reason=public_reason(posting.reason),
        details=dict(posting.details),
        balance=msgspec.to_builtins(forms.balance_of(held)) if held else None,
    )


def success_of(posting: Posting) -> forms.PostingAnswer:
    """The posting in the API's words."""
    return forms.PostingAnswer(
        posting.outcome, posting.reason, posting.transfer_id, posting.win_transfer_id, forms.balance_of(posting)
    )
