"""Bonus purses: opened with terms, closed into real money or back to the house."""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from compliance.types_gate import BonusFacts
from kernel.actors import Actor, system
from kernel.context import request_id
from kernel.money import Money
from wallet.models import Account
from wallet.services.incentives import find_denial
from wallet.services.posting import OwnSource, check_amount, check_references, post
from wallet.types import AccountKind, Outcome, Posting, PurseTerms


def open_bonus_purse(
    *,
    player_id: UUID,
    amount: Money,
    terms: PurseTerms,
    incentive: BonusFacts | None = None,
    gate_asked: bool = False,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> tuple[UUID, Posting]:
    """Open a bonus purse holding ``amount``, paid by the house; its id and the posting. Publishes PurseOpened.

    ``incentive`` is what the gate is told of it, beside that the player gets it; ``gate_asked``: it has said yes to this,
    in the caller's transaction. Raises: FieldErrors.
    Outcomes: applied, replayed, conflict, refused (also where the gate denies it).
    """
    check_references(source=source, idempotency_key=idempotency_key)
    check_amount("amount", amount)
    # Named after the key, so that a retry meets the purse of the first call.
    purse_id = uuid5(NAMESPACE_URL, f"purse:{source}:{idempotency_key}")
    facts = incentive or BonusFacts("bonus", amount)
    if not gate_asked and (
        denied := find_denial(player_id=player_id, purse_id=purse_id, facts=facts, actor=actor, at=at)
    ):
        return purse_id, denied
    posting = post(
        "wallet_open_purse",
        [
            player_id,
            purse_id,
            amount.currency,
            amount.amount_minor,
            terms.priority,
            terms.stake_cap.amount_minor if terms.stake_cap else None,
            list(terms.game_categories) or None,
            terms.active_until,
            source,
            idempotency_key,
            at,
            str(actor),
            request_id.get(),
        ],
        amount.currency,
    )
    return purse_id, posting


def close_bonus_purse(
    *,
    player_id: UUID,
    purse_id: UUID,
    release: bool,
    most: Money | None = None,
    currency: str,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Close a bonus purse: ``release`` turns what is in it into real money (at most ``most``, the rest is the house's),
    otherwise the house takes it back.

    So it does with a purse whose time is over at ``at``, the moment when the release was earned: PurseClosed says
    ``into`` and ``expired``. Late wins follow the same way. Publishes PurseClosed. Raises: FieldErrors.
    """
    check_references(source=source, idempotency_key=idempotency_key)
    return post(
        "wallet_close_purse",
        [
            player_id,
            purse_id,
            "real" if release else "house",
            most.amount_minor if most else None,
            source,
            idempotency_key,
            at,
            str(actor),
            request_id.get(),
        ],
        currency,
    )


def expire_bonus_purses(*, at: datetime, limit: int = 1_000) -> int:
    """Close the bonus purses whose time is over, into the house; how many. May be run any number of times at once.

    A win that comes later is the house's, as one is that comes after the time and before this. Publishes PurseClosed.
    """
    due = Account.objects.filter(kind=AccountKind.BONUS, closed_at=None, active_until__lte=at)
    closed = 0
    for purse_id, player_id, currency in list(
        due.order_by("active_until").values_list("id", "player_id", "currency")[:limit]
    ):
        posting = close_bonus_purse(
            player_id=player_id,
            purse_id=purse_id,
            release=False,
            currency=currency,
            source=OwnSource.PURSES,
            idempotency_key=f"{purse_id}:expired",
            actor=system("expire-bonus-purses"),
            at=at,
        )
        closed += posting.outcome is Outcome.APPLIED
    return closed
