"""Money of players whose verification failed or ran out: back to the instruments that paid it in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.actors import Actor
from wallet.models_payments import Withdrawal
from wallet.selectors import get_balances, list_instruments
from wallet.services.posting import OwnSource
from wallet.services.withdrawals import request_withdrawal
from wallet.types_payments import WithdrawalState

_UNDER_WAY = (WithdrawalState.REQUESTED, WithdrawalState.IN_REVIEW, WithdrawalState.APPROVED, WithdrawalState.SENT)


class MoneyBack:
    """Plugged into compliance.ports_kyc.FundsReturn."""

    def give_back(self, *, player_id: UUID, key: str, actor: Actor, at: datetime) -> bool:
        """Ask for a payout of all real money; the closed loop divides it among the instruments that paid in."""
        if Withdrawal.objects.filter(player_id=player_id, state__in=_UNDER_WAY).exists():
            return False
        amount = get_balances(player_id).real
        instruments = list_instruments(player_id)
        if not amount.amount_minor:
            return True
        if not instruments:
            return False  # a person has to find out where it came from
        number = Withdrawal.objects.filter(player_id=player_id, source=OwnSource.RETURNS).count()
        request_withdrawal(
            player_id=player_id,
            amount=amount,
            instrument_id=max(instruments, key=lambda one: (one.owed_back.amount_minor, one.id)).id,
            source=OwnSource.RETURNS,
            idempotency_key=f"{key}:{number}",
            actor=actor,
            at=at,
        )
        return False
