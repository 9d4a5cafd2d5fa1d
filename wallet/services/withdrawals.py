"""Withdrawals: asked for with the money set aside, taken back while that is allowed. Deciding: withdrawal_decisions."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from compliance.selectors_packs import get_pack_of
from compliance.services.gate import decide
from compliance.services.kyc_triggers import note_withdrawal
from compliance.types_gate import GateAction, WithdrawalFacts
from events.catalogue.wallet import WithdrawalCancelled, WithdrawalRequested, WithdrawalReviewNeeded
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict
from kernel.idempotency import digest_of
from kernel.ids import uuid7
from kernel.money import Money
from players.selectors import find_refusal, get_player
from players.types import PlayerAction
from wallet.models_payments import Instrument, Withdrawal
from wallet.ports import list_withdrawal_guards
from wallet.rules import approves, assess, score_of
from wallet.rules_adjustments import needs_approval
from wallet.selectors import get_instrument, get_withdrawal
from wallet.selectors_rates import find_eur
from wallet.services.fees import quote_withdrawal
from wallet.services.payment_means import refuses_foreign, report_foreign
from wallet.services.payment_risk import cooling_minutes, find_level, gather_facts, list_auto_approvals
from wallet.services.posting import OwnSource, check_amount, check_references
from wallet.services.withdrawal_claims import lock
from wallet.services.withdrawal_decisions import approval_threshold, drop_request, let_through, plan, record_deed
from wallet.services.withdrawal_money import WithdrawalRefused, about, give_back, move, shift
from wallet.types_payments import WithdrawalDetails, WithdrawalState

# What no player asked for costs them nothing, and they cannot take it back.
_UNASKED = (OwnSource.EXCLUSIONS, OwnSource.RETURNS, OwnSource.EXCESS)


class CancellationForbidden(DomainError):
    """Where the player lives, a withdrawal can't be taken back once it is asked for."""

    code = "cancellation_forbidden"
    title = "Withdrawals can't be cancelled here"
    status = 403


def request_withdrawal(
    *,
    player_id: UUID,
    amount: Money,
    instrument_id: UUID,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> WithdrawalDetails:
    """Set the money aside and ask for it to be paid; approved at once where a rule says so, else a person decides.

    The fee of the rule in force is part of ``amount`` and stands from now on (``services.fees.quote_withdrawal``).

    The same key and content returns the same withdrawal. Publishes WithdrawalRequested, then WithdrawalApproved or
    WithdrawalReviewNeeded. Raises: UnknownPlayer, FieldErrors, WithdrawalRefused, InsufficientFunds,
    IdempotencyConflict.
    """
    check_references(source=source, idempotency_key=idempotency_key)
    check_amount("amount", amount)
    player = get_player(player_id)
    if amount.currency != player.currency:
        raise FieldErrors({"currency": [f"The player's money is in {player.currency}."]})
    digest = digest_of({"player": player_id, "amount": str(amount), "currency": amount.currency, "to": instrument_id})
    known = Withdrawal.objects.filter(source=source, key=idempotency_key).first()
    if known is None:
        try:
            return get_withdrawal(_open(player_id, amount, instrument_id, source, idempotency_key, digest, actor, at))
        except IntegrityError:  # a twin was quicker
            known = Withdrawal.objects.get(source=source, key=idempotency_key)
    if bytes(known.digest) != digest:
        raise IdempotencyConflict("This idempotency key was used for another withdrawal.")
    return get_withdrawal(known.id)


def cancel_withdrawal(*, withdrawal_id: UUID, actor: Actor, at: datetime) -> WithdrawalDetails:
    """Give the player the money back before it is sent; one that is cancelled already stays so.

    Publishes WithdrawalCancelled. Raises: NotFound, CancellationForbidden, WithdrawalMoved.
    """
    with holding(get_withdrawal(withdrawal_id).player_id):
        withdrawal = lock(withdrawal_id)
        if withdrawal.state == WithdrawalState.CANCELLED:
            return get_withdrawal(withdrawal_id)
        if not withdrawal.cancellable:
            raise CancellationForbidden("It was asked for where withdrawals can't be taken back.")
        move(withdrawal, WithdrawalState.CANCELLED)
        drop_request(withdrawal, "The withdrawal was cancelled.", actor, at)
        give_back(withdrawal, actor, at)
        withdrawal.save()
        publish(WithdrawalCancelled(**about(withdrawal, withdrawal.amount_minor, at)))
        record_deed("cancel_withdrawal", withdrawal, "", actor, at)
    return get_withdrawal(withdrawal_id)


def _open(
    player_id: UUID,
    amount: Money,
    instrument_id: UUID,
    source: str,
    key: str,
    digest: bytes,
    actor: Actor,
    at: datetime,
) -> UUID:
    with holding(player_id):
        facts = WithdrawalFacts(amount, to_origin=source == OwnSource.RETURNS)
        decision = decide(action=GateAction.WITHDRAWAL, player_id=player_id, facts=facts, actor=actor, at=at)
        if decision.allowed:
            if not facts.to_origin:
                _ask_guards(player_id, actor, at)
            return _create(player_id, amount, instrument_id, source, key, digest, actor, at)
    # Only now: the denial is kept.
    refusal = decision.refusal
    raise WithdrawalRefused(
        f"Withdrawals are refused: {refusal.public_code}. {refusal.public_text}", **decision.problem
    )


def _ask_guards(player_id: UUID, actor: Actor, at: datetime) -> None:
    """Raises: WithdrawalRefused."""
    for guard in list_withdrawal_guards():
        if why := guard.before_withdrawal(player_id=player_id, actor=actor, at=at):
            raise WithdrawalRefused(why, reason="bonus_being_wagered")


def _create(
    player_id: UUID,
    amount: Money,
    instrument_id: UUID,
    source: str,
    key: str,
    digest: bytes,
    actor: Actor,
    at: datetime,
) -> UUID:
    player = get_player(player_id)
    if not Instrument.objects.filter(id=instrument_id, player_id=player_id).exists():
        raise FieldErrors({"instrument_id": ["Choose one of the player's own instruments."]})
    instrument = get_instrument(instrument_id)
    unasked = source in _UNASKED
    fee = (
        None
        if unasked
        else quote_withdrawal(player_id=player_id, amount=amount, instrument_id=instrument_id, at=at).fee
    )
    reasons = assess(gather_facts(player=player, instrument=instrument, amount=amount, at=at))
    pack = get_pack_of(player_id, at)
    withdrawal = Withdrawal(
        id=uuid7(),
        player_id=player_id,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        fee_minor=fee.amount_minor if fee else 0,
        instrument_id=instrument_id,
        source=source,
        key=key,
        digest=digest,
        score=score_of(reasons),
        reasons=[asdict(reason) for reason in reasons],
        level=find_level(player_id),
        cancellable=not unasked and pack.flag("payments.withdrawal_reversal", absent=True),
        cooling_minutes=cooling_minutes(player.country),
        requested_at=at,
    )
    hold = shift(withdrawal, "withdrawal_hold", "real", "held", amount.amount_minor, f"{withdrawal.id}:hold", actor, at)
    withdrawal.save(force_insert=True)
    if source != OwnSource.RETURNS:
        note_withdrawal(player_id=player_id, withdrawal_id=withdrawal.id, amount=amount, actor=actor, at=at)
    publish(
        WithdrawalRequested(
            **about(withdrawal, amount.amount_minor, at),
            transfer_id=hold,
            amount_eur=find_eur(amount, transfer_id=hold),
            score=withdrawal.score,
        )
    )
    _decide(withdrawal, actor, at)
    return withdrawal.id


def _decide(withdrawal: Withdrawal, actor: Actor, at: datetime) -> None:
    """By the rules, or by leaving it to a person."""
    amount = Money(withdrawal.amount_minor, withdrawal.currency)
    rules = list_auto_approvals()
    held = find_refusal(withdrawal.player_id, PlayerAction.WITHDRAW, at)  # it may have reached a threshold just now
    alone = not held and not needs_approval(amount, Money.zero(amount.currency), approval_threshold(amount.currency))
    if refuses_foreign(withdrawal.instrument, at):
        report_foreign(withdrawal.instrument, actor, at)
        alone = False
    if alone and approves(rules, level=withdrawal.level, amount=amount, score=withdrawal.score):
        withdrawal.automatic = True
        let_through(withdrawal, plan(withdrawal, None, None), actor, at)
        return
    move(withdrawal, WithdrawalState.IN_REVIEW)
    withdrawal.save(update_fields=["state"])
    publish(WithdrawalReviewNeeded(**about(withdrawal, withdrawal.amount_minor, at), score=withdrawal.score))
