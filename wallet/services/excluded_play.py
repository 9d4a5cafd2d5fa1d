"""What an excluded player has under way: admissions to games end, open bets and the balance go back. So does the balance
of whose verification failed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from compliance.ports_exclusion import Closing
from kernel.actors import Actor
from kernel.errors import DomainError
from wallet.models_adapters import GameSession
from wallet.models_payments import Withdrawal
from wallet.models_rounds import HoldEvent
from wallet.selectors import get_balances, list_instruments
from wallet.selectors_holds import list_holds
from wallet.services.holds import release
from wallet.services.posting import OwnSource
from wallet.services.withdrawals import request_withdrawal
from wallet.types import Outcome
from wallet.types_payments import WithdrawalState

MOST_OPEN = 1_000
_UNDER_WAY = (WithdrawalState.REQUESTED, WithdrawalState.IN_REVIEW, WithdrawalState.APPROVED, WithdrawalState.SENT)


class ExcludedMoney:
    """Plugged into compliance.ports_exclusion.ExcludedPlay."""

    def close_play(self, player_id: UUID, *, return_bets: bool, actor: Actor, at: datetime) -> Closing:
        """In the caller's transaction, which holds the player."""
        closed = GameSession.objects.filter(player_id=player_id, revoked_at=None, expires_at__gt=at).update(
            revoked_at=at, revoked_by=str(actor)
        )
        returned = _return_bets(player_id, actor, at) if return_bets else 0
        return Closing(bets_returned=returned, games_closed=closed)

    def return_balance(self, player_id: UUID, *, unproved: bool = False, key: str, actor: Actor, at: datetime) -> str:
        """The closed loop decides which instruments get it; it is asked for at the one that paid in last."""
        under_way = Withdrawal.objects.filter(player_id=player_id, state__in=_UNDER_WAY)
        if under_way.exists() or list_holds(player_id, open_only=True, limit=1):
            return "sent"
        amount = get_balances(player_id).real
        if not amount.amount_minor:
            return "done"
        instruments = list_instruments(player_id)
        if not instruments:
            return "no_instrument"
        owed = max(instruments, key=lambda one: (one.owed_back.amount_minor, one.id))
        source = OwnSource.RETURNS if unproved else OwnSource.EXCLUSIONS
        number = Withdrawal.objects.filter(player_id=player_id, source=source).count()
        try:
            request_withdrawal(
                player_id=player_id,
                amount=amount,
                instrument_id=owed.id,
                source=source,
                idempotency_key=f"{key}:{number}",
                actor=actor,
                at=at,
            )
        except DomainError as error:
            return str(error.data.get("reason") or error.code)
        return "sent"


def _return_bets(player_id: UUID, actor: Actor, at: datetime) -> int:
    """Release reserved bets on events that have not begun; how many. Of which nobody said when it begins, that stands."""
    begins = dict(HoldEvent.objects.filter(player_id=player_id).values_list("hold_id", "begins_at"))
    ahead = [
        hold
        for hold in list_holds(player_id, open_only=True, limit=MOST_OPEN)
        if hold.id in begins and begins[hold.id] > at
    ]
    return sum(
        release(
            player_id=player_id,
            source=hold.source,
            idempotency_key=f"excluded:{hold.id}",
            hold_key=hold.key,
            currency=hold.amount.currency,
            actor=actor,
            at=at,
        ).outcome
        is Outcome.APPLIED
        for hold in ahead
    )
