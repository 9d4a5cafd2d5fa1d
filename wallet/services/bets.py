"""Bets, wins and rollbacks: each one call of a posting function, with one of the canonical outcomes as the answer.

``source`` names the integration whose keys these are; ``round_id`` is the game's own name for the round.
None of these raises for what a game server must be told: read ``Posting.outcome``.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.actors import Actor
from kernel.context import request_id
from kernel.errors import FieldErrors
from kernel.money import Money
from wallet.services.posting import check_amount, check_references, post
from wallet.types import Posting


def place_bet(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    game: str,
    round_id: str,
    stake: Money,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Take a stake from the player's purses; it counts at once. Publishes BetPlaced.

    Raises: FieldErrors. Outcomes: applied, replayed, conflict, tombstoned, refused.
    """
    return _bet(player_id, source, idempotency_key, game, round_id, stake, None, actor, at)


def play(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    game: str,
    round_id: str,
    stake: Money,
    win: Money,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Bet and result in one transaction under one key; a ``win`` of zero is a lost bet.

    Publishes BetPlaced, and WinCredited when something was won. Raises: FieldErrors. Outcomes as for ``place_bet``.
    """
    check_amount("win", win, zero_allowed=True)
    if win.currency != stake.currency:
        raise FieldErrors({"win": ["Stake and win must be in one currency."]})
    return _bet(player_id, source, idempotency_key, game, round_id, stake, win.amount_minor, actor, at)


def credit_win(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    bet_key: str,
    amount: Money,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Pay a win on the bet that ``bet_key`` placed, to its purses in the proportion of the stake.

    Several wins may be paid on one bet; restrictions never stop a win. Publishes WinCredited.
    Raises: FieldErrors. Outcomes: applied, replayed, conflict, unknown_reference, refused.
    """
    check_references(source=source, idempotency_key=idempotency_key, bet_key=bet_key)
    check_amount("amount", amount, zero_allowed=True)
    return post(
        "wallet_win",
        [
            player_id,
            source,
            idempotency_key,
            bet_key,
            amount.currency,
            amount.amount_minor,
            at,
            str(actor),
            request_id.get(),
        ],
        amount.currency,
    )


def roll_back_bet(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    bet_key: str,
    currency: str = "EUR",
    actor: Actor,
    at: datetime,
) -> Posting:
    """Undo a bet and its wins. An unknown bet leaves a tombstone, so that it cannot be placed later.

    Publishes BetRolledBack. Raises: FieldErrors. Outcomes: applied, replayed, conflict, tombstoned,
    unknown_reference (another player's bet), refused (``winnings_spent``: call again when the player has the money).
    ``currency`` labels the balances of a player who is unknown.
    """
    check_references(source=source, idempotency_key=idempotency_key, bet_key=bet_key)
    return post(
        "wallet_rollback",
        [player_id, source, idempotency_key, bet_key, at, str(actor), request_id.get()],
        currency,
    )


def _bet(
    player_id: UUID,
    source: str,
    key: str,
    game: str,
    round_id: str,
    stake: Money,
    win_minor: int | None,
    actor: Actor,
    at: datetime,
) -> Posting:
    check_references(source=source, idempotency_key=key, game=game, round_id=round_id)
    check_amount("stake", stake)
    return post(
        "wallet_bet",
        [
            player_id,
            source,
            key,
            game,
            round_id,
            stake.currency,
            stake.amount_minor,
            win_minor,
            at,
            str(actor),
            request_id.get(),
        ],
        stake.currency,
    )
