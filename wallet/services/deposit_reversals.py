"""Deposits that the bank takes back, and gives back again when the dispute is won; each part is posted once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from events.catalogue.wallet import DepositChargedBack, DepositReinstated
from events.services.log import publish
from kernel.actors import Actor
from kernel.context import request_id
from kernel.money import Money
from kernel.pan import mask_pans
from players.services.restrictions import impose
from players.types import RestrictionKind
from wallet.models_payments import Deposit
from wallet.ports import PaymentAnswer
from wallet.rules import given_back, taken_back
from wallet.selectors import get_balances
from wallet.selectors_rates import find_eur
from wallet.services.payment_instruments import note_payment
from wallet.services.posting import OwnSource, post
from wallet.types import Outcome
from wallet.types_payments import DepositState

# What providers call a deposit that we gave back ourselves: no reason to mistrust the player.
REFUNDED = "refunded"


class LedgerRefused(RuntimeError):
    """The ledger did not take what a provider has done: a defect, or a key used by hand."""


def amount_taken_back(deposit: Deposit, answer: PaymentAnswer) -> Money:
    """What a chargeback or refund takes now; nothing when it is no news."""
    whole, before, refunded = (
        Money(minor, deposit.currency)
        for minor in (
            deposit.amount_minor,
            deposit.charged_back_minor - deposit.reinstated_minor,
            deposit.refunded_minor,
        )
    )
    return taken_back(whole, before, refunded, answer.amount, so_far=answer.so_far)


def charge_back(deposit: Deposit, answer: PaymentAnswer, actor: Actor, at: datetime) -> None:
    """Take it from the player as far as it goes, the rest is the house's loss. Publishes DepositChargedBack."""
    amount = amount_taken_back(deposit, answer)
    held = get_balances(deposit.player_id).real
    # The first part's key is the deposit's alone; what was taken before tells the later ones apart.
    part = f":{deposit.charged_back_minor}" if deposit.charged_back_minor else ""
    deposit.charged_back_minor += amount.amount_minor
    deposit.refunded_minor += amount.amount_minor if answer.so_far else 0
    deposit.failure_reason = mask_pans(answer.reason)[:200]
    posting = post_for(
        "wallet_charge_back",
        [deposit.player_id, amount.currency, amount.amount_minor],
        deposit,
        f"{deposit.id}:chargeback{part}",
        actor,
        at,
    )
    note_payment(instrument_id=deposit.paid_with_id, at=at, paid_in_minor=-amount.amount_minor)
    publish(
        DepositChargedBack(
            player_id=deposit.player_id,
            occurred_at=at,
            deposit_id=deposit.id,
            transfer_id=posting,
            provider=deposit.provider,
            amount=amount.major,
            amount_eur=find_eur(amount, transfer_id=posting),
            lost=max(amount - held, Money.zero(amount.currency)).major,
            currency=amount.currency,
            reason=deposit.failure_reason,
        )
    )
    if answer.reason != REFUNDED:
        impose(
            player_id=deposit.player_id,
            kind=RestrictionKind.WITHDRAWAL_HOLD,
            reason=f"Deposit {deposit.id} was charged back ({deposit.failure_reason or 'no reason given'}).",
            source="payments",
            actor=actor,
            at=at,
            idempotency_key=f"chargeback:{deposit.id}{part}",
        )


def amount_given_back(deposit: Deposit, answer: PaymentAnswer) -> Money:
    """What a won dispute gives back now; nothing when no chargeback holds anything."""
    taken = Money(deposit.charged_back_minor - deposit.reinstated_minor, deposit.currency)
    return given_back(taken, Money(deposit.refunded_minor, deposit.currency), answer.amount)


def reinstate(deposit: Deposit, answer: PaymentAnswer, actor: Actor, at: datetime) -> None:
    """First what the chargebacks took of the player, then what the house lost by them. Publishes DepositReinstated."""
    amount = amount_given_back(deposit, answer)
    posting = post_for(
        "wallet_reinstate",
        [deposit.player_id, deposit.id, amount.currency, amount.amount_minor],
        deposit,
        f"{deposit.id}:reinstated:{deposit.reinstated_minor}",
        actor,
        at,
    )
    deposit.reinstated_minor += amount.amount_minor
    if deposit.charged_back_minor > deposit.reinstated_minor:
        deposit.state = DepositState.CHARGED_BACK  # a part of it stays taken back
    note_payment(instrument_id=deposit.paid_with_id, at=at, paid_in_minor=amount.amount_minor)
    publish(
        DepositReinstated(
            player_id=deposit.player_id,
            occurred_at=at,
            deposit_id=deposit.id,
            transfer_id=posting,
            provider=deposit.provider,
            amount=amount.major,
            currency=amount.currency,
        )
    )


def post_for(function: str, what: list[object], deposit: Deposit, key: str, actor: Actor, at: datetime) -> UUID:
    """Post a movement of a deposit; the transfer's id. Raises: LedgerRefused."""
    posting = post(function, [*what, OwnSource.DEPOSITS, key, at, str(actor), request_id.get()], deposit.currency)
    if posting.outcome is not Outcome.APPLIED or posting.transfer_id is None:
        raise LedgerRefused(f"deposit {deposit.id}: {posting.outcome} {posting.reason}")
    return posting.transfer_id
