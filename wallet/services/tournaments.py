"""A player's money in a tournament: bought in, again, settled with or without a prize, or refunded.

Answers with the canonical outcomes, as services.bets does. Who plays, and who wins what, is others' business.
"""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from kernel.actors import Actor
from kernel.context import request_id
from kernel.money import Money
from wallet.services.fees import quote_fee
from wallet.services.posting import check_amount, check_references, post
from wallet.types import Posting
from wallet.types_purses import FeeKind


def buy_in(
    *,
    player_id: UUID,
    tournament: str,
    amount: Money,
    rebuy: bool = False,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Pay ``amount`` of real money into the player's purse of a tournament, and the fee of the rule in force on top.

    A ``rebuy`` pays into the purse that is open. Publishes TournamentBoughtIn. Raises: FieldErrors.
    Outcomes: applied, replayed, conflict, unknown_reference (a rebuy without buy-in), refused.
    """
    _check(source, idempotency_key, tournament)
    check_amount("amount", amount)
    fee = quote_fee(kind=FeeKind.TOURNAMENT_BUY_IN, player_id=player_id, amount=amount, at=at)
    return post(
        "wallet_buy_in",
        [
            player_id,
            uuid5(NAMESPACE_URL, f"tournament:{source}:{idempotency_key}"),
            tournament,
            rebuy,
            amount.currency,
            amount.amount_minor,
            fee.amount_minor,
            source,
            idempotency_key,
            at,
            str(actor),
            request_id.get(),
        ],
        amount.currency,
    )


def settle_tournament(
    *,
    player_id: UUID,
    tournament: str,
    prize: Money,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Close the player's purse of a tournament and pay the prize, zero for none, as real money.

    Publishes TournamentSettled. Raises: FieldErrors. Outcomes: applied, replayed, conflict, unknown_reference, refused.
    """
    _check(source, idempotency_key, tournament)
    check_amount("prize", prize, zero_allowed=True)
    return _end(player_id, tournament, prize, False, source, idempotency_key, actor, at)


def refund_tournament(
    *, player_id: UUID, tournament: str, currency: str, source: str, idempotency_key: str, actor: Actor, at: datetime
) -> Posting:
    """Give back everything that a player has paid for a tournament that is cancelled, fees included.

    Publishes TournamentRefunded. Raises: FieldErrors. Outcomes as for ``settle_tournament``.
    """
    _check(source, idempotency_key, tournament)
    return _end(player_id, tournament, Money.zero(currency), True, source, idempotency_key, actor, at)


def _check(source: str, key: str, tournament: str) -> None:
    check_references(source=source, idempotency_key=key, tournament=tournament[:80] if len(tournament) <= 80 else "")


def _end(
    player_id: UUID, tournament: str, prize: Money, refund: bool, source: str, key: str, actor: Actor, at: datetime
) -> Posting:
    return post(
        "wallet_end_tournament",
        [
            player_id,
            tournament,
            prize.currency,
            prize.amount_minor,
            refund,
            source,
            key,
            at,
            str(actor),
            request_id.get(),
        ],
        prize.currency,
    )
