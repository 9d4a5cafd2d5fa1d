"""Postings that only adapters need (wallet/sql/adapters.sql): wins by round, rollbacks that name the stake.

Outcomes are those of ``wallet.services.bets``; none of these raises for what an aggregator must be told.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.actors import Actor
from kernel.context import request_id
from kernel.money import Money
from wallet.services.posting import check_amount, check_references, post
from wallet.types import Posting


def credit_any_win(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    bet_key: str | None,
    game: str,
    round_id: str,
    amount: Money,
    round_closed: bool,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Pay a win on the bet or free bet of ``bet_key``; without one, on the latest bet of the round in that game.

    Publishes WinCredited or FreeWinCredited, and RoundSettled where the round ends with it. Raises: FieldErrors.
    Outcomes: applied, replayed, conflict, unknown_reference, refused.
    """
    check_references(source=source, idempotency_key=idempotency_key, round_id=round_id)
    if bet_key is not None:
        check_references(bet_key=bet_key)
    check_amount("amount", amount, zero_allowed=True)
    return post(
        "wallet_adapter_win",
        [
            player_id,
            source,
            idempotency_key,
            bet_key,
            game,
            round_id,
            amount.currency,
            amount.amount_minor,
            round_closed,
            at,
            str(actor),
            request_id.get(),
        ],
        amount.currency,
    )


def roll_back_any_bet(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    bet_key: str,
    currency: str,
    stake: Money | None,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Undo a bet or free bet with its wins; an unknown one is buried. A ``stake`` that isn't the bet's is a conflict.

    Publishes BetRolledBack or FreeBetRolledBack. Raises: FieldErrors. Outcomes as of ``bets.roll_back_bet``.
    """
    check_references(source=source, idempotency_key=idempotency_key, bet_key=bet_key)
    return post(
        "wallet_adapter_rollback",
        [
            player_id,
            source,
            idempotency_key,
            bet_key,
            stake.amount_minor if stake else None,
            at,
            str(actor),
            request_id.get(),
        ],
        currency,
    )
