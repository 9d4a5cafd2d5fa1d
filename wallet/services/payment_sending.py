"""Sending payouts: handed to the provider once, asked about until it is known what became of them.

A payout is marked as sent before the provider is called, in a transaction of its own. Whoever dies between the two
leaves a row that the next run takes up with the same id: the provider pays once.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction

from compliance.services.deposit_counters import count_payout, return_payout
from events.catalogue.wallet import PayoutReturned, WithdrawalFailed, WithdrawalPaid, WithdrawalSent
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.money import Money
from kernel.pan import mask_pans
from players.selectors import find_refusal
from players.types import PlayerAction
from wallet.models_payments import Payout, Withdrawal
from wallet.ports import Direction, PaymentAnswer, PaymentOrder, PaymentState, ProviderUnavailable, get_provider
from wallet.rules import PAYOUT_MOVES, next_try
from wallet.rules_fees import fee_taken
from wallet.selectors_instruments import open_instrument
from wallet.services.payment_dialogue import NO_ANSWER, keep_message
from wallet.services.payment_instruments import learn, note_payment
from wallet.services.withdrawal_claims import lock
from wallet.services.withdrawal_money import about, in_eur, move, pay_out, shift
from wallet.types_payments import PayoutState, WithdrawalState

logger = logging.getLogger(__name__)

_DUE = (PayoutState.PLANNED, PayoutState.SENT)


def send_due(*, actor: Actor, at: datetime, limit: int = 100) -> int:
    """Send and chase payouts that are due; how many were worked on. Any number of these may run at once."""
    for worked in range(limit):
        payout_id = _claim(at)
        if payout_id is None:
            return worked
        try:
            _work(payout_id, actor, at)
        except Exception:  # one payout's trouble is not the others'; it is due again later
            logger.exception("payout %s could not be worked on", payout_id)
    return limit


def settle_payout(*, payout_id: UUID, answer: PaymentAnswer, notice_id: str, actor: Actor, at: datetime) -> None:
    """Take in what a provider says by itself. A notice that came before, or that comes late, changes nothing.

    Publishes WithdrawalPaid or WithdrawalFailed with the last payout, PayoutReturned when the bank sends one back.
    """
    _settle(payout_id, answer, "webhook", actor, at, notice_id)


@transaction.atomic
def _claim(at: datetime) -> UUID | None:
    """Take the next due payout for ourselves by moving its moment: whoever dies over it is followed by another."""
    due = Payout.objects.filter(state__in=_DUE, next_try_at__lte=at)
    payout = due.select_for_update(skip_locked=True).order_by("next_try_at", "id").first()
    if payout is None:
        return None
    payout.attempts += 1
    payout.next_try_at = at + next_try(payout.attempts)
    payout.save(update_fields=["attempts", "next_try_at"])
    return payout.id


def _work(payout_id: UUID, actor: Actor, at: datetime) -> None:
    # Before anything is marked as sent: a provider that was taken away pays nobody.
    provider = get_provider(Payout.objects.values_list("instrument__provider", flat=True).get(id=payout_id))
    if not _hand_over(payout_id, actor, at):
        return
    payout = Payout.objects.select_related("withdrawal", "instrument").get(id=payout_id)
    amount = Money(payout.amount_minor - payout.fee_minor, payout.withdrawal.currency)
    order = PaymentOrder(payout.id, amount, open_instrument(payout.instrument).token, payout.provider_reference)
    # Without a reference nobody knows whether it got there: say it again, it counts once. Not once its key is forgotten.
    repeatable = payout.sent_at is not None and at - payout.sent_at < provider.keys_kept
    call = "payout" if not payout.provider_reference and repeatable else "status"
    try:
        answer = provider.payout(order) if call == "payout" else provider.status(Direction.OUT, order)
    except ProviderUnavailable:
        answer = NO_ANSWER
    _settle(payout_id, answer, call, actor, at)


def _hand_over(payout_id: UUID, actor: Actor, at: datetime) -> bool:
    """Mark a planned payout as sent; False when it must not be sent (now). Publishes WithdrawalSent with the first."""
    withdrawal_id, player_id = _parents(payout_id)
    with holding(player_id):
        withdrawal = lock(withdrawal_id)
        payout = Payout.objects.select_for_update().get(id=payout_id)
        if payout.state != PayoutState.PLANNED:
            return payout.state == PayoutState.SENT
        refusal = find_refusal(player_id, PlayerAction.WITHDRAW, at)
        if refusal:  # a hold that came after the approval: it waits until that is lifted
            logger.info("payout %s is held back: %s", payout_id, refusal)
            return False
        if withdrawal.state == WithdrawalState.APPROVED:
            move(withdrawal, WithdrawalState.SENT)
            withdrawal.save(update_fields=["state"])
            publish(
                WithdrawalSent(
                    **about(withdrawal, withdrawal.approved_minor, at),
                    payouts=withdrawal.payouts.count(),
                )
            )
        payout.state, payout.sent_at = PayoutState.SENT, at
        payout.save(update_fields=["state", "sent_at"])
    return True


def _settle(payout_id: UUID, answer: PaymentAnswer, call: str, actor: Actor, at: datetime, notice_id: str = "") -> None:
    withdrawal_id, player_id = _parents(payout_id)
    with holding(player_id):
        withdrawal = lock(withdrawal_id)
        payout = Payout.objects.select_for_update(of=("self",)).select_related("instrument").get(id=payout_id)
        provider = payout.instrument.provider
        if not keep_message(
            payment_id=payout_id, provider=provider, call=call, answer=answer, at=at, notice_id=notice_id
        ):
            return
        if answer.amount and answer.amount.currency != withdrawal.currency:
            logger.error("payout %s is in %s there, not in %s", payout_id, answer.amount.currency, withdrawal.currency)
            return  # the dialogue shows it; nothing is booked by guess
        if answer.reference and not payout.provider_reference:
            payout.provider_reference = answer.reference[:120]
        learn(instrument=payout.instrument, facts=answer.instrument, at=at)
        for to in _path(PayoutState(payout.state), answer):
            payout.state, payout.settled_at = to, at
            _ENTERED[to](withdrawal, payout, answer, actor, at)
        payout.save()
        _finish(withdrawal, payout, at)
        withdrawal.save()


def _path(state: PayoutState, answer: PaymentAnswer) -> list[PayoutState]:
    """The moves that the provider's word asks for: none when it is no news, two when a notice overtook another."""
    to = _STATES.get(answer.state)
    if to is PayoutState.PAID and answer.amount and answer.amount.amount_minor <= 0:
        to = PayoutState.FAILED
    if to is PayoutState.FAILED and state is PayoutState.PAID:
        to = PayoutState.RETURNED  # said to be paid, and then not: the bank's word is the last one
    if to is None:
        return []
    if to in PAYOUT_MOVES[state]:
        return [to]
    if to is PayoutState.RETURNED and state is PayoutState.SENT:
        return [PayoutState.PAID, to]
    return []


def _paid(withdrawal: Withdrawal, payout: Payout, answer: PaymentAnswer, actor: Actor, at: datetime) -> None:
    """Of the fee, what was paid has earned; the rest of both is the player's again."""
    due = payout.amount_minor - payout.fee_minor
    said = answer.amount.amount_minor if answer.amount and answer.state is PaymentState.MADE else due
    payout.paid_minor = min(said, due)
    payout.charged_minor = fee_taken(payout.fee_minor, due, payout.paid_minor)
    withdrawal.paid_minor += payout.paid_minor
    withdrawal.charged_minor += payout.charged_minor
    pay_out(withdrawal, payout.paid_minor, payout.charged_minor, str(payout.id), actor, at, back=False)
    paid = Money(payout.paid_minor, withdrawal.currency)
    count_payout(payout_id=payout.id, player_id=withdrawal.player_id, amount=paid, at=at)
    rest = payout.amount_minor - payout.paid_minor - payout.charged_minor
    note_payment(instrument_id=payout.instrument_id, at=at, paid_out_minor=-rest)
    if rest:
        _release(withdrawal, payout, rest, actor, at)


def _failed(withdrawal: Withdrawal, payout: Payout, answer: PaymentAnswer, actor: Actor, at: datetime) -> None:
    payout.failure_reason = mask_pans(answer.reason)[:200]
    note_payment(instrument_id=payout.instrument_id, at=at, paid_out_minor=-payout.amount_minor)
    _release(withdrawal, payout, payout.amount_minor, actor, at)


def _returned(withdrawal: Withdrawal, payout: Payout, answer: PaymentAnswer, actor: Actor, at: datetime) -> None:
    payout.failure_reason = mask_pans(answer.reason)[:200]
    amount, fee = payout.paid_minor, payout.charged_minor
    transfer_id = pay_out(withdrawal, amount, fee, f"{payout.id}:return", actor, at, back=True)
    withdrawal.paid_minor -= amount
    withdrawal.charged_minor -= fee
    withdrawal.returned_minor += amount + fee
    payout.paid_minor = payout.charged_minor = 0
    return_payout(payout_id=payout.id, at=at)
    note_payment(instrument_id=payout.instrument_id, at=at, paid_out_minor=-amount - fee)
    publish(
        PayoutReturned(
            **about(withdrawal, amount, at),
            payout_id=payout.id,
            transfer_id=transfer_id,
            amount_eur=in_eur(withdrawal, amount),
            fee=Money(fee, withdrawal.currency).major,
        )
    )


def _release(withdrawal: Withdrawal, payout: Payout, amount_minor: int, actor: Actor, at: datetime) -> None:
    shift(withdrawal, "withdrawal_release", "held", "real", amount_minor, f"{payout.id}:back", actor, at)
    withdrawal.returned_minor += amount_minor


def _finish(withdrawal: Withdrawal, payout: Payout, at: datetime) -> None:
    """Once its last payout is settled, a withdrawal is paid, or failed when nothing of it was."""
    waiting = Payout.objects.filter(withdrawal=withdrawal, state__in=_DUE).exclude(id=payout.id).exists()
    if waiting or payout.state in _DUE:
        return
    if withdrawal.state == WithdrawalState.SENT and withdrawal.paid_minor:
        move(withdrawal, WithdrawalState.PAID)
        withdrawal.settled_at = at
        returned = withdrawal.approved_minor - withdrawal.paid_minor - withdrawal.charged_minor
        publish(
            WithdrawalPaid(
                **about(withdrawal, withdrawal.paid_minor, at),
                amount_eur=in_eur(withdrawal, withdrawal.paid_minor),
                fee=Money(withdrawal.charged_minor, withdrawal.currency).major,
                returned=Money(returned, withdrawal.currency).major,
            )
        )
    elif withdrawal.state in (WithdrawalState.SENT, WithdrawalState.PAID) and not withdrawal.paid_minor:
        move(withdrawal, WithdrawalState.FAILED)
        withdrawal.settled_at, withdrawal.failure_reason = at, payout.failure_reason
        publish(
            WithdrawalFailed(
                **about(withdrawal, withdrawal.approved_minor, at),
                reason=withdrawal.failure_reason,
            )
        )


def _parents(payout_id: UUID) -> tuple[UUID, UUID]:
    """The payout's withdrawal and player."""
    found: tuple[UUID, UUID] = Payout.objects.values_list("withdrawal_id", "withdrawal__player_id").get(id=payout_id)
    return found


_STATES = {
    PaymentState.MADE: PayoutState.PAID,
    PaymentState.FAILED: PayoutState.FAILED,
    PaymentState.CANCELLED: PayoutState.FAILED,
    PaymentState.RETURNED: PayoutState.RETURNED,
}
_ENTERED = {PayoutState.PAID: _paid, PayoutState.FAILED: _failed, PayoutState.RETURNED: _returned}
