"""What limits count of deposits and payouts, kept in the payments' own transactions, under the player's lock.

A deposit counts from its request on, so any number that run beside each other never exceed a limit. What fails or is
cancelled is counted no more; what is withdrawn or charged back still is.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from compliance.models_limits import Limit
from compliance.models_payment_use import DepositUse, PayoutUse
from compliance.rules_limits import crossed
from compliance.selectors_limits import PAYMENTS, find_reached, get_terms, list_binding, sum_paid_in
from events.catalogue.compliance_limits import LimitNearlyReached
from events.services.log import publish
from kernel.money import Money
from players.selectors import get_player


def count_deposit(*, deposit_id: UUID, player_id: UUID, amount: Money, at: datetime, reservation: str = "") -> None:
    """Count a deposit that the gate has let through in this transaction. Publishes LimitNearlyReached."""
    _warn(player_id, amount.amount_minor, at)
    DepositUse.objects.create(
        deposit_id=deposit_id,
        player_id=player_id,
        amount_minor=amount.amount_minor,
        requested_at=at,
        reservation=reservation,
    )


def deposit_still_fits(*, deposit_id: UUID, at: datetime) -> bool:
    """Whether a deposit that was let through would be let through now: a limit may have been lowered meanwhile.

    ``at`` is when the deposit was asked for; a limit that was set after it counts as well.
    """
    use = DepositUse.objects.filter(deposit_id=deposit_id).first()
    if use is None:
        return True
    player = get_player(use.player_id)
    amount = Money(use.amount_minor, player.currency)
    set_at = Limit.objects.filter(player_id=player.id, active_until=None).values_list("active_from", flat=True)
    at = max([at, *set_at])

    return find_reached(player, amount, None, at, get_terms(player, at), but=deposit_id) is None


def confirm_deposit(*, deposit_id: UUID, player_id: UUID, amount: Money, at: datetime) -> None:
    """The money came: ``amount`` of it, which may be another than asked for. One that was given up counts again."""
    DepositUse.objects.update_or_create(
        deposit_id=deposit_id,
        defaults={"amount_minor": amount.amount_minor, "made_at": at, "released_at": None},
        create_defaults={
            "player_id": player_id,
            "amount_minor": amount.amount_minor,
            "requested_at": at,
            "made_at": at,
        },
    )


def release_deposit(*, deposit_id: UUID, at: datetime) -> str:
    """The payment came to nothing: it counts no more. Its reservation in the register of all operators, or ""."""
    use = DepositUse.objects.filter(deposit_id=deposit_id, made_at=None, released_at=None).first()
    if use is None:
        return ""
    use.released_at = at
    use.save(update_fields=["released_at"])
    return use.reservation


def count_payout(*, payout_id: UUID, player_id: UUID, amount: Money, at: datetime) -> None:
    """Money reached the player: net deposit limits count it, gross ones never do."""
    PayoutUse.objects.update_or_create(
        payout_id=payout_id,
        defaults={"player_id": player_id, "amount_minor": amount.amount_minor, "paid_at": at, "returned_at": None},
    )


def return_payout(*, payout_id: UUID, at: datetime) -> None:
    """The bank sent it back."""
    PayoutUse.objects.filter(payout_id=payout_id).update(returned_at=at)


def _warn(player_id: UUID, amount_minor: int, at: datetime) -> None:
    player = get_player(player_id)
    terms = get_terms(player, at)
    if not terms.warn_percents:
        return
    for limit in list_binding(player, at, terms):
        if limit.kind not in PAYMENTS:
            continue
        used, _ = sum_paid_in(player_id, limit, terms, at)
        for percent in crossed(used, used + amount_minor, limit.measure, terms.warn_percents):
            publish(
                LimitNearlyReached(
                    player_id=player_id,
                    occurred_at=at,
                    limit_id=limit.id,
                    kind=limit.kind.value,
                    period=limit.period.value,
                    percent=percent,
                )
            )
