"""Withdrawals: asked for with the money set aside, decided by a rule or a person. Sending: payment_sending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Sum

from compliance.services.approvals import request_approval
from events.audit import record
from events.catalogue.wallet import (
    WithdrawalApproved,
    WithdrawalCancelled,
    WithdrawalRejected,
    WithdrawalRequested,
    WithdrawalReviewNeeded,
)
from events.services.log import holding, publish
from kernel.access import Subject, require
from kernel.actors import Actor
from kernel.context import request_id
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict
from kernel.idempotency import digest_of
from kernel.ids import uuid7
from kernel.money import Money, total
from kernel.pan import holds_pan
from players.selectors import find_refusal, get_player
from players.types import PlayerAction, public_reason
from wallet.models_payments import Instrument, Payout, Withdrawal
from wallet.rules import WITHDRAWAL_MOVES, approves, assess, breaks_closed_loop, plan_payouts, score_of
from wallet.rules_adjustments import COUNTED_TOGETHER, needs_approval
from wallet.rules_fees import divide_fee, fee_taken
from wallet.selectors import get_instrument, get_withdrawal, list_instruments
from wallet.services.fees import quote_withdrawal
from wallet.services.payment_instruments import note_payment
from wallet.services.payment_risk import find_level, gather_facts, get_policy, list_auto_approvals
from wallet.services.posting import OwnSource, check_amount, check_references, post
from wallet.services.withdrawal_claims import DECIDE, check_claim, lock
from wallet.types import Outcome, Posting, RefusalReason
from wallet.types_payments import PayoutState, WithdrawalDetails, WithdrawalState

SOURCE = OwnSource.WITHDRAWALS
APPROVAL_KIND = "wallet.withdrawal"
Split = Sequence[tuple[UUID, Money]]


class WithdrawalRefused(DomainError):
    """The player may not be paid now."""

    code = "withdrawal_refused"
    title = "Withdrawals are not possible for this player now"
    status = 403


class InsufficientFunds(DomainError):
    """The player has less real money than that."""

    code = "insufficient_funds"
    title = "The player has not enough money"


class WithdrawalMoved(DomainError):
    """Somebody or something was quicker: the withdrawal is in another state."""

    code = "withdrawal_moved"
    title = "The withdrawal is not in a state for that"
    status = 409


class CancellationForbidden(DomainError):
    """Where the player lives, a withdrawal can't be taken back once it is asked for."""

    code = "cancellation_forbidden"
    title = "Withdrawals can't be cancelled here"
    status = 403


class AwaitsSecondPerson(DomainError):
    """One person approved it; it is paid when another one does."""

    code = "awaits_second_person"
    title = "It waits for a second person"
    status = 409


class ClosedLoopBroken(DomainError):
    """Money must first go back to the instruments that paid it in."""

    code = "closed_loop_broken"
    title = "Pay back first to what paid in"


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
        _give_back(withdrawal, actor, at)
        withdrawal.save()
        publish(WithdrawalCancelled(**about(withdrawal, withdrawal.amount_minor, at)))
        _record("cancel_withdrawal", withdrawal, "", actor, at)
    return get_withdrawal(withdrawal_id)


def approve_withdrawal(
    *,
    withdrawal_id: UUID,
    actor: Actor,
    at: datetime,
    amount: Money | None = None,
    split: Split | None = None,
    reason: str = "",
) -> WithdrawalDetails:
    """Let a withdrawal be paid: all of it or ``amount``, the rest going back to the player at once.

    ``split`` names the instruments and what each gets; without it the closed loop decides. It is sent when the
    cooling period of the player's country is over. Above the threshold of its currency, counting what the same person
    approved for the player within 24 hours, it waits for a second person: ``approval_id`` is set and nothing moves.
    Publishes WithdrawalApproved, or ApprovalRequested. Raises: NotFound, FieldErrors, WithdrawalMoved,
    ClosedLoopBroken, ClaimedByAnother, AwaitsSecondPerson, AccessDenied.
    """
    _check_reason(reason, needed=False)
    found = get_withdrawal(withdrawal_id)
    require(actor, DECIDE, Subject(player_id=found.player_id, amount=amount or found.amount), at)
    with holding(found.player_id):
        withdrawal = lock(withdrawal_id)
        check_claim(withdrawal, actor, at)
        if withdrawal.approval_id and withdrawal.state == WithdrawalState.IN_REVIEW:
            raise AwaitsSecondPerson("Somebody approved it already; a second person has to.")
        parts = _plan(withdrawal, amount, split)
        withdrawal.decision_reason = reason
        if needs_second_person(withdrawal, total((part for _, part in parts), withdrawal.currency), actor, at):
            _ask_second_person(withdrawal, parts, actor, at)
        else:
            let_through(withdrawal, parts, actor, at)
        _record("approve_withdrawal", withdrawal, reason, actor, at)
    return get_withdrawal(withdrawal_id)


def _record(deed: str, withdrawal: Withdrawal, reason: str, actor: Actor, at: datetime) -> None:
    asked = Money(withdrawal.amount_minor, withdrawal.currency)
    record(
        action=f"wallet.{deed}",
        actor=actor,
        at=at,
        player_id=withdrawal.player_id,
        object_type="wallet.withdrawal",
        object_id=str(withdrawal.id),
        reason=reason,
        after={"state": withdrawal.state, "amount": f"{asked} {asked.currency}", "score": str(withdrawal.score)},
    )


def needs_second_person(withdrawal: Withdrawal, amount: Money, actor: Actor, at: datetime) -> bool:
    """Whether ``amount`` of this withdrawal is more than this actor may let through alone now. Only reads."""
    alone = Withdrawal.objects.filter(
        player_id=withdrawal.player_id,
        decided_by=str(actor),
        decided_at__gt=at - COUNTED_TOGETHER,
        approval_id=None,
        state__in=(WithdrawalState.APPROVED, WithdrawalState.SENT, WithdrawalState.PAID),
    )
    before = alone.aggregate(sum=Sum("approved_minor"))["sum"] or 0
    return needs_approval(amount, Money(before, amount.currency), _threshold(amount.currency))


def _threshold(currency: str) -> Money | None:
    configured = settings.WITHDRAWAL_APPROVAL_ABOVE.get(currency)
    return None if configured is None else Money.parse(configured, currency)


def _ask_second_person(withdrawal: Withdrawal, parts: Split, actor: Actor, at: datetime) -> None:
    """Ask for exactly these parts to be paid; the withdrawal stays in review, and is nobody's until then."""
    labels = {row.id: row.label for row in list_instruments(withdrawal.player_id)}
    asked, approved = (
        Money(withdrawal.amount_minor, withdrawal.currency),
        total((p for _, p in parts), withdrawal.currency),
    )
    codes = ", ".join(reason["code"].replace("_", " ") for reason in withdrawal.reasons) or "nothing speaks against it"
    withdrawal.approval_id = request_approval(
        kind=APPROVAL_KIND,
        player_id=withdrawal.player_id,
        subject=f"Pay out {approved} {approved.currency}",
        content={
            "withdrawal_id": str(withdrawal.id),
            "amount": str(approved),
            "currency": withdrawal.currency,
            "parts": [[str(instrument_id), str(part)] for instrument_id, part in parts],
            "reason": withdrawal.decision_reason,
        },
        before={"state": "in review", "set aside": f"{asked} {asked.currency}"},
        after={
            "state": "approved",
            **{f"paid to {labels[id_]} ({str(id_)[-4:]})": f"{part} {part.currency}" for id_, part in parts},
            "back to the player": f"{asked - approved} {asked.currency}",
        },
        comment=withdrawal.decision_reason or f"Risk score {withdrawal.score}: {codes}.",
        idempotency_key=str(uuid7()),
        actor=actor,
        at=at,
    ).id
    withdrawal.claimed_by, withdrawal.claimed_until = "", None
    withdrawal.save()


def reject_withdrawal(*, withdrawal_id: UUID, reason: str, actor: Actor, at: datetime) -> WithdrawalDetails:
    """Refuse a withdrawal that is not sent yet; the player has the money again at once.

    Publishes WithdrawalRejected. Raises: NotFound, FieldErrors, WithdrawalMoved, ClaimedByAnother.
    """
    _check_reason(reason, needed=True)
    found = get_withdrawal(withdrawal_id)
    require(actor, DECIDE, found, at)
    with holding(found.player_id):
        withdrawal = lock(withdrawal_id)
        check_claim(withdrawal, actor, at)
        move(withdrawal, WithdrawalState.REJECTED)
        withdrawal.decided_by, withdrawal.decided_at, withdrawal.decision_reason = str(actor), at, reason
        _give_back(withdrawal, actor, at)
        withdrawal.save()
        publish(WithdrawalRejected(**about(withdrawal, withdrawal.amount_minor, at)))
        _record("reject_withdrawal", withdrawal, reason, actor, at)
    return get_withdrawal(withdrawal_id)


# --- parts that the sender shares --------------------------------------------------------------------------------


def move(withdrawal: Withdrawal, to: WithdrawalState) -> None:
    """Change the state, as far as the table of moves allows. Raises: WithdrawalMoved."""
    if to not in WITHDRAWAL_MOVES[WithdrawalState(withdrawal.state)]:
        raise WithdrawalMoved(f"It is {withdrawal.state.replace('_', ' ')} already.", state=withdrawal.state)
    withdrawal.state = to


def about(withdrawal: Withdrawal, amount_minor: int, at: datetime) -> dict[str, Any]:
    """What every event of a withdrawal says."""
    return {
        "player_id": withdrawal.player_id,
        "occurred_at": at,
        "withdrawal_id": withdrawal.id,
        "amount": Money(amount_minor, withdrawal.currency).major,
        "currency": withdrawal.currency,
    }


def shift(
    withdrawal: Withdrawal,
    kind: str,
    from_: str,
    to: str,
    amount_minor: int,
    key: str,
    actor: Actor,
    at: datetime,
) -> UUID:
    """Move a withdrawal's money in the ledger; the transfer's id. Raises: InsufficientFunds, WithdrawalRefused."""
    ids = [SOURCE, key, at, str(actor), request_id.get()]
    return _moved(
        post(
            "wallet_shift",
            [kind, withdrawal.player_id, from_, to, withdrawal.currency, amount_minor, *ids],
            withdrawal.currency,
        )
    )


def pay_out(
    withdrawal: Withdrawal, amount_minor: int, fee_minor: int, key: str, actor: Actor, at: datetime, *, back: bool
) -> UUID:
    """Pay out of what is set aside and take the fee with it; or take both back when the bank did (``back``)."""
    if not fee_minor:
        sides = ("payments", "real") if back else ("held", "payments")
        kind = "withdrawal_return" if back else "withdrawal"
        return shift(withdrawal, kind, *sides, amount_minor, key, actor, at)
    posting = post(
        "wallet_pay_out",
        [
            "withdrawal_return" if back else "withdrawal",
            withdrawal.player_id,
            back,
            withdrawal.currency,
            amount_minor,
            fee_minor,
            SOURCE,
            key,
            at,
            str(actor),
            request_id.get(),
        ],
        withdrawal.currency,
    )
    return _moved(posting)


def _moved(posting: Posting) -> UUID:
    if posting.outcome is not Outcome.APPLIED or posting.transfer_id is None:
        if posting.reason == RefusalReason.INSUFFICIENT_FUNDS:
            raise InsufficientFunds("The player has not enough real money.", balance=str(posting.real))
        raise WithdrawalRefused(f"The ledger answered {posting.outcome}.", reason=posting.reason)
    return posting.transfer_id


# --- inside ------------------------------------------------------------------------------------------------------


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
        player = get_player(player_id)
        refusal = find_refusal(player_id, PlayerAction.WITHDRAW, at)
        if refusal:
            reason = public_reason(refusal)
            raise WithdrawalRefused(f"Withdrawals are refused: {reason}.", reason=reason)
        if not Instrument.objects.filter(id=instrument_id, player_id=player_id).exists():
            raise FieldErrors({"instrument_id": ["Choose one of the player's own instruments."]})
        instrument = get_instrument(instrument_id)
        quote = quote_withdrawal(player_id=player_id, amount=amount, instrument_id=instrument_id, at=at)
        reasons = assess(gather_facts(player=player, instrument=instrument, amount=amount, at=at))
        policy = get_policy(player.country)
        withdrawal = Withdrawal(
            id=uuid7(),
            player_id=player_id,
            amount_minor=amount.amount_minor,
            currency=amount.currency,
            fee_minor=quote.fee.amount_minor,
            instrument_id=instrument_id,
            source=source,
            key=key,
            digest=digest,
            score=score_of(reasons),
            reasons=[asdict(reason) for reason in reasons],
            level=find_level(player_id),
            cancellable=policy.cancellation_allowed,
            cooling_minutes=policy.cooling_minutes,
            requested_at=at,
        )
        hold = shift(
            withdrawal, "withdrawal_hold", "real", "held", amount.amount_minor, f"{withdrawal.id}:hold", actor, at
        )
        withdrawal.save(force_insert=True)
        publish(
            WithdrawalRequested(
                **about(withdrawal, amount.amount_minor, at),
                transfer_id=hold,
                amount_eur=amount.major if amount.currency == "EUR" else None,
                score=withdrawal.score,
            )
        )
        _decide(withdrawal, actor, at)
    return withdrawal.id


def _decide(withdrawal: Withdrawal, actor: Actor, at: datetime) -> None:
    """By the rules, or by leaving it to a person."""
    amount = Money(withdrawal.amount_minor, withdrawal.currency)
    rules = list_auto_approvals()
    alone = not needs_approval(amount, Money.zero(amount.currency), _threshold(amount.currency))
    if alone and approves(rules, level=withdrawal.level, amount=amount, score=withdrawal.score):
        withdrawal.automatic = True
        let_through(withdrawal, _plan(withdrawal, None, None), actor, at)
        return
    move(withdrawal, WithdrawalState.IN_REVIEW)
    withdrawal.save(update_fields=["state"])
    publish(WithdrawalReviewNeeded(**about(withdrawal, withdrawal.amount_minor, at), score=withdrawal.score))


def _plan(withdrawal: Withdrawal, amount: Money | None, split: Split | None) -> Split:
    """What each instrument gets. Raises: FieldErrors, ClosedLoopBroken."""
    asked = Money(withdrawal.amount_minor, withdrawal.currency)
    approved = asked if amount is None else amount
    if approved.currency != asked.currency or not 0 < approved.amount_minor <= asked.amount_minor:
        raise FieldErrors({"amount": [f"Approve more than nothing and at most {asked} {asked.currency}."]})
    instruments = list_instruments(withdrawal.player_id)
    parts = plan_payouts(approved, instruments, withdrawal.instrument_id) if split is None else list(split)
    if split is not None:
        owned = {row.id for row in instruments}
        if (
            {part[0] for part in parts} - owned
            or len({part[0] for part in parts}) < len(parts)
            or any(part.amount_minor <= 0 for _, part in parts)
            or total((part for _, part in parts), asked.currency) != approved
        ):
            raise FieldErrors({"split": [f"Divide exactly {approved} {approved.currency} among the player's own."]})
        if breaks_closed_loop(parts, instruments):
            raise ClosedLoopBroken("An instrument would get more than it paid in while another waits for its own.")
    return parts


def let_through(withdrawal: Withdrawal, parts: Split, actor: Actor, at: datetime) -> None:
    """Plan the payouts of an approved withdrawal; the caller holds the player. Publishes WithdrawalApproved.

    Raises: WithdrawalMoved.
    """
    asked = Money(withdrawal.amount_minor, withdrawal.currency)
    approved = total((part for _, part in parts), withdrawal.currency)
    move(withdrawal, WithdrawalState.APPROVED)
    withdrawal.approved_minor = approved.amount_minor
    withdrawal.decided_by, withdrawal.decided_at = ("rule" if withdrawal.automatic else str(actor)), at
    withdrawal.sends_from = at + timedelta(minutes=withdrawal.cooling_minutes)
    rest = asked.amount_minor - approved.amount_minor
    if rest:
        shift(withdrawal, "withdrawal_release", "held", "real", rest, f"{withdrawal.id}:partial", actor, at)
        withdrawal.returned_minor += rest
    withdrawal.save()
    # Of a part of it, no more than that part's share of what was quoted: the fixed part of a fee is not taken twice.
    fee = fee_taken(withdrawal.fee_minor, asked.amount_minor, approved.amount_minor)
    shares = divide_fee(fee, [part.amount_minor for _, part in parts])
    for (instrument_id, part), share in zip(parts, shares, strict=True):
        Payout.objects.create(
            id=uuid7(),
            withdrawal=withdrawal,
            instrument_id=instrument_id,
            amount_minor=part.amount_minor,
            fee_minor=share,
            next_try_at=withdrawal.sends_from,
        )
        note_payment(instrument_id=instrument_id, at=at, paid_out_minor=part.amount_minor)
    publish(WithdrawalApproved(**about(withdrawal, approved.amount_minor, at), automatic=withdrawal.automatic))


def _give_back(withdrawal: Withdrawal, actor: Actor, at: datetime) -> None:
    """Everything that is still set aside, before anything was sent."""
    for payout in Payout.objects.select_for_update().filter(withdrawal=withdrawal, state=PayoutState.PLANNED):
        payout.state, payout.settled_at = PayoutState.DROPPED, at
        payout.save(update_fields=["state", "settled_at"])
        note_payment(instrument_id=payout.instrument_id, at=at, paid_out_minor=-payout.amount_minor)
    rest = withdrawal.amount_minor - withdrawal.paid_minor - withdrawal.charged_minor - withdrawal.returned_minor
    shift(withdrawal, "withdrawal_release", "held", "real", rest, f"{withdrawal.id}:back", actor, at)
    withdrawal.returned_minor += rest
    withdrawal.settled_at = at
    withdrawal.claimed_by, withdrawal.claimed_until = "", None


def _check_reason(reason: str, *, needed: bool) -> None:
    if needed and not reason.strip():
        raise FieldErrors({"reason": ["Say in a few words why."]})
    if len(reason) > 500 or holds_pan(reason):
        raise FieldErrors({"reason": ["Use at most 500 characters, and no card number."]})
