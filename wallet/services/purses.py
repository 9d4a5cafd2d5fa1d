"""Bonus purses: opened with terms, closed into real money or back to the house."""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from kernel.actors import Actor
from kernel.context import request_id
from kernel.money import Money
from wallet.services.posting import check_amount, check_references, post
from wallet.types import Posting, PurseTerms


def open_bonus_purse(
    *,
    player_id: UUID,
    amount: Money,
    terms: PurseTerms,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> tuple[UUID, Posting]:
    """Open a bonus purse holding ``amount``, paid by the house; its id and the posting. Raises: FieldErrors."""
    check_references(source=source, idempotency_key=idempotency_key)
    check_amount("amount", amount)
    # Named after the key, so that a retry meets the purse of the first call.
    purse_id = uuid5(NAMESPACE_URL, f"purse:{source}:{idempotency_key}")
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
    currency: str,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Close a bonus purse: ``release`` turns what is in it into real money, otherwise the house takes it back.

    Late wins follow the same way. Raises: FieldErrors.
    """
    check_references(source=source, idempotency_key=idempotency_key)
    return post(
        "wallet_close_purse",
        [
            player_id,
            purse_id,
            "real" if release else "house",
            source,
            idempotency_key,
            at,
            str(actor),
            request_id.get(),
        ],
        currency,
    )
