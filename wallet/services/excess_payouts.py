"""Real money above a player's balance limit, paid out by itself where the jurisdiction asks for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from compliance.selectors_cases import list_cases
from compliance.selectors_limits import find_balance_limit, list_balance_limits
from compliance.selectors_packs import get_pack_of
from compliance.services.cases import open_case
from compliance.types_cases import CaseKind, CaseState
from compliance.types_packs import EffectivePack
from events.catalogue.wallet import ExcessPaidOut
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.errors import DomainError
from wallet.models import Account
from wallet.models_payments import Withdrawal
from wallet.selectors import get_balances, list_instruments
from wallet.services.posting import OwnSource
from wallet.services.withdrawals import request_withdrawal
from wallet.types import AccountKind
from wallet.types_payments import InstrumentDetails, InstrumentKind, WithdrawalState

_CAME_BACK = (WithdrawalState.REJECTED, WithdrawalState.FAILED, WithdrawalState.CANCELLED)


def pay_out_excess(*, actor: Actor, at: datetime) -> int:
    """Ask for the payout of what lies above balance limits; how many were asked for. Any number may run at once.

    What cannot be paid out, or was and came back, is a review case; the player waits until that is resolved.
    Publishes ExcessPaidOut beside the withdrawal's own events.
    """
    asked, after = 0, None
    while limits := list_balance_limits(after=after, at=at):
        after = max(limits)
        purses = Account.objects.filter(player_id__in=limits, kind=AccountKind.REAL)
        balances = dict(purses.values_list("player_id", "balance_minor"))
        above = [player_id for player_id, limit in limits.items() if (balances.get(player_id) or 0) > limit]
        asked += sum(_pay_out(player_id, actor, at) for player_id in above)
    return asked


def _pay_out(player_id: UUID, actor: Actor, at: datetime) -> bool:
    pack = get_pack_of(player_id, at)
    if not _is_paid_out(pack):
        return False
    with holding(player_id):
        limit, balance = find_balance_limit(player_id, at), get_balances(player_id).real
        if limit is None or balance <= limit or list_cases(kind=CaseKind.BALANCE_EXCESS, player_id=player_id):
            return False
        earlier = Withdrawal.objects.filter(player_id=player_id, source=OwnSource.EXCESS).order_by("-id")
        last = earlier.first()
        if last and last.state in _CAME_BACK and not _is_settled(player_id, str(last.id), last.state, actor, at):
            return False
        key = f"{player_id}:{earlier.count()}"
        instrument = _choose(player_id, pack)
        if instrument is None:
            _is_settled(player_id, f"{key}:{at.isoformat()}", "no_instrument", actor, at)
            return False
        try:
            withdrawal = request_withdrawal(
                player_id=player_id,
                amount=balance - limit,
                instrument_id=instrument.id,
                source=OwnSource.EXCESS,
                idempotency_key=key,
                actor=actor,
                at=at,
            )
        except DomainError as error:
            why = str(error.data.get("reason") or error.code)
            _is_settled(player_id, f"{key}:{at.isoformat()}", why, actor, at)
            return False
        publish(
            ExcessPaidOut(
                player_id=player_id,
                occurred_at=at,
                withdrawal_id=withdrawal.id,
                amount=withdrawal.amount.major,
                limit=limit.major,
                currency=limit.currency,
            )
        )
    return True


def _is_paid_out(pack: EffectivePack) -> bool:
    return (
        pack.flag("payments.auto_withdraw_above_setting")
        or pack.text("payments.winnings_over_balance_limit") == "pay_to_bank"
    )


def _choose(player_id: UUID, pack: EffectivePack) -> InstrumentDetails | None:
    """A bank account; where the pack does not insist on one, else whatever is owed most. The closed loop comes first
    all the same: an instrument that paid in gets its own back."""
    owned = list_instruments(player_id)
    banks = [one for one in owned if one.kind is InstrumentKind.BANK]
    if pack.text("payments.winnings_over_balance_limit") != "pay_to_bank":
        banks = banks or owned
    return max(banks, key=lambda one: (one.owed_back.amount_minor, one.id), default=None)


def _is_settled(player_id: UUID, key: str, why: str, actor: Actor, at: datetime) -> bool:
    """Have a person look at it; whether somebody has, and it is worth another try."""
    case = open_case(kind=CaseKind.BALANCE_EXCESS, player_id=player_id, facts={"why": why}, key=key, actor=actor, at=at)
    return case.state is CaseState.RESOLVED
