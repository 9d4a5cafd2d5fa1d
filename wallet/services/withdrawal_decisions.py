"""Decisions on withdrawals: by a rule or a person, large ones by two. Carrying out: payment_sending."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from compliance.services.approvals import request_approval
from compliance.services.approvals import withdraw as withdraw_request
from events.audit import record
from events.catalogue.wallet import WithdrawalApproved, WithdrawalRejected
from events.services.log import holding, publish
from kernel.access import Subject, require
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors
from kernel.ids import uuid7
from kernel.money import Money, total
from kernel.pan import holds_pan
from wallet.models_payments import Instrument, Payout, Withdrawal
from wallet.rules import breaks_closed_loop, plan_payouts
from wallet.rules_adjustments import COUNTED_TOGETHER, needs_approval
from wallet.rules_fees import divide_fee, fee_taken
from wallet.selectors import get_withdrawal, list_instruments
from wallet.services.payment_instruments import note_payment
from wallet.services.payment_means import ForeignAccount, refuses_foreign
from wallet.services.withdrawal_claims import DECIDE, check_claim, lock
from wallet.services.withdrawal_money import about, give_back, move, shift
from wallet.types_payments import WithdrawalDetails, WithdrawalState

APPROVAL_KIND = "wallet.withdrawal"
Split = Sequence[tuple[UUID, Money]]


class AwaitsSecondPerson(DomainError):
    """One person approved it; it is paid when another one does."""

    code = "awaits_second_person"
    title = "It waits for a second person"
    status = 409


class ClosedLoopBroken(DomainError):
    """Money must first go back to the instruments that paid it in."""

    code = "closed_loop_broken"
    title = "Pay back first to what paid in"


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
    ClosedLoopBroken, ForeignAccount, ClaimedByAnother, AwaitsSecondPerson, AccessDenied.
    """
    _check_reason(reason, needed=False)
    found = get_withdrawal(withdrawal_id)
    require(actor, DECIDE, Subject(player_id=found.player_id, amount=amount or found.amount), at)
    with holding(found.player_id):
        withdrawal = lock(withdrawal_id)
        check_claim(withdrawal, actor, at)
        if withdrawal.approval_id and withdrawal.state == WithdrawalState.IN_REVIEW:
            raise AwaitsSecondPerson("Somebody approved it already; a second person has to.")
        parts = plan(withdrawal, amount, split)
        withdrawal.decision_reason = reason
        if needs_second_person(withdrawal, total((part for _, part in parts), withdrawal.currency), actor, at):
            _ask_second_person(withdrawal, parts, actor, at)
        else:
            let_through(withdrawal, parts, actor, at)
        record_deed("approve_withdrawal", withdrawal, reason, actor, at)
    return get_withdrawal(withdrawal_id)


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
        drop_request(withdrawal, "The withdrawal was rejected.", actor, at)
        withdrawal.decided_by, withdrawal.decided_at, withdrawal.decision_reason = str(actor), at, reason
        give_back(withdrawal, actor, at)
        withdrawal.save()
        publish(WithdrawalRejected(**about(withdrawal, withdrawal.amount_minor, at)))
        record_deed("reject_withdrawal", withdrawal, reason, actor, at)
    return get_withdrawal(withdrawal_id)


# --- parts that requests and the second person share --------------------------------------------------------------


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
    return needs_approval(amount, Money(before, amount.currency), approval_threshold(amount.currency))


def approval_threshold(currency: str) -> Money | None:
    """Above this a withdrawal takes two people; None: every one does."""
    configured = settings.WITHDRAWAL_APPROVAL_ABOVE.get(currency)
    return None if configured is None else Money.parse(configured, currency)


def plan(withdrawal: Withdrawal, amount: Money | None, split: Split | None) -> Split:
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

    Raises: WithdrawalMoved, ForeignAccount.
    """
    asked = Money(withdrawal.amount_minor, withdrawal.currency)
    approved = total((part for _, part in parts), withdrawal.currency)
    for instrument_id, part in parts:
        instrument = Instrument.objects.get(id=instrument_id)
        # What it paid in goes back to where it came from, whoever that is.
        owed = instrument.paid_in_minor - instrument.paid_out_minor
        if part.amount_minor > owed and refuses_foreign(instrument, at):
            raise ForeignAccount("Only an account in the player's own name is paid to: reject it, or confirm it.")
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


def record_deed(deed: str, withdrawal: Withdrawal, reason: str, actor: Actor, at: datetime) -> None:
    """What was done to a withdrawal, on the audit trail."""
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


def drop_request(withdrawal: Withdrawal, comment: str, actor: Actor, at: datetime) -> None:
    """Nobody is asked any more to let through what has ended. Publishes ApprovalDecided."""
    if withdrawal.approval_id:
        withdraw_request(approval_id=withdrawal.approval_id, comment=comment, actor=actor, at=at)


# --- inside ------------------------------------------------------------------------------------------------------


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


def _check_reason(reason: str, *, needed: bool) -> None:
    if needed and not reason.strip():
        raise FieldErrors({"reason": ["Say in a few words why."]})
    if len(reason) > 500 or holds_pan(reason):
        raise FieldErrors({"reason": ["Use at most 500 characters, and no card number."]})
