"""A withdrawal's money and state: set aside, paid out, given back. Shared by those who ask, decide and send."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kernel.actors import Actor
from kernel.context import request_id
from kernel.errors import DomainError
from kernel.money import Money
from wallet.models_payments import Payout, Withdrawal
from wallet.rules import WITHDRAWAL_MOVES
from wallet.selectors_rates import find_eur_of_key
from wallet.services.payment_instruments import note_payment
from wallet.services.posting import OwnSource, post
from wallet.types import Outcome, Posting, RefusalReason
from wallet.types_payments import PayoutState, WithdrawalState

SOURCE = OwnSource.WITHDRAWALS


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


def in_eur(withdrawal: Withdrawal, amount_minor: int) -> Decimal | None:
    """An amount of a withdrawal in EUR at the rate of its request: what is paid and comes back cancels out."""
    amount = Money(amount_minor, withdrawal.currency)
    return find_eur_of_key(amount, source=SOURCE, key=f"{withdrawal.id}:hold")


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


def give_back(withdrawal: Withdrawal, actor: Actor, at: datetime) -> None:
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
