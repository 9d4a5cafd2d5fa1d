"""Who works on a withdrawal: two people never work on the same one unknowingly."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from events.audit import record
from events.services.log import holding
from kernel.access import narrowed, require
from kernel.actors import Actor
from kernel.errors import DomainError, NotFound
from wallet.models_payments import Withdrawal
from wallet.selectors import get_withdrawal
from wallet.types_payments import WithdrawalState

CLAIM = timedelta(minutes=15)
DECIDE = "wallet.approve_withdrawal"


class ClaimedByAnother(DomainError):
    """Somebody else works on this withdrawal."""

    code = "claimed_by_another"
    title = "Somebody else works on it"
    status = 409


def claim_withdrawal(*, withdrawal_id: UUID, actor: Actor, at: datetime) -> None:
    """Say that this person works on it, for a quarter of an hour. Raises: NotFound, AccessDenied, ClaimedByAnother."""
    found = get_withdrawal(withdrawal_id)
    require(actor, DECIDE, found, at)
    with holding(found.player_id):
        withdrawal = lock(withdrawal_id)
        check_claim(withdrawal, actor, at)
        withdrawal.claimed_by, withdrawal.claimed_until = str(actor), at + CLAIM
        withdrawal.save(update_fields=["claimed_by", "claimed_until"])
        _record("claim_withdrawal", withdrawal, actor, at)


def release_withdrawal(*, withdrawal_id: UUID, actor: Actor, at: datetime) -> None:
    """Leave it to others again. Raises: NotFound, AccessDenied, ClaimedByAnother."""
    found = get_withdrawal(withdrawal_id)
    require(actor, DECIDE, found, at)
    with holding(found.player_id):
        withdrawal = lock(withdrawal_id)
        check_claim(withdrawal, actor, at)
        withdrawal.claimed_by, withdrawal.claimed_until = "", None
        withdrawal.save(update_fields=["claimed_by", "claimed_until"])
        _record("release_withdrawal", withdrawal, actor, at)


def claim_next(*, actor: Actor, at: datetime) -> UUID | None:
    """Claim the oldest withdrawal in review that nobody works on; its id, or None when all is done.

    Raises: AccessDenied.
    """
    require(actor, DECIDE, None, at)
    waiting = Withdrawal.objects.filter(state=WithdrawalState.IN_REVIEW, approval_id=None).order_by(
        "requested_at", "id"
    )
    for withdrawal in narrowed(actor, DECIDE, waiting, "player_id").iterator(chunk_size=20):
        if withdrawal.claimed_by == str(actor) or not is_claimed(withdrawal, at):
            try:
                claim_withdrawal(withdrawal_id=withdrawal.id, actor=actor, at=at)
            except ClaimedByAnother:
                continue
            return withdrawal.id
    return None


def is_claimed(withdrawal: Withdrawal, at: datetime) -> bool:
    """Whether somebody works on it at this moment."""
    return bool(withdrawal.claimed_by) and withdrawal.claimed_until is not None and withdrawal.claimed_until > at


def lock(withdrawal_id: UUID) -> Withdrawal:
    """The row, locked until the transaction ends. The caller holds the player. Raises: NotFound."""
    withdrawal = Withdrawal.objects.select_for_update().filter(id=withdrawal_id).first()
    if withdrawal is None:
        raise NotFound(f"There is no withdrawal {withdrawal_id}.")
    return withdrawal


def check_claim(withdrawal: Withdrawal, actor: Actor, at: datetime) -> None:
    """Raises: ClaimedByAnother."""
    if is_claimed(withdrawal, at) and withdrawal.claimed_by != str(actor):
        raise ClaimedByAnother("Somebody else has claimed it; it is free again within a quarter of an hour.")


def _record(deed: str, withdrawal: Withdrawal, actor: Actor, at: datetime) -> None:
    record(
        action=f"wallet.{deed}",
        actor=actor,
        at=at,
        player_id=withdrawal.player_id,
        object_type="wallet.withdrawal",
        object_id=str(withdrawal.id),
    )
