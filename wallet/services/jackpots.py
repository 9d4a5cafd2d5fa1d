"""Jackpots: known by their codes, paid into with bets (services.bets), paid out of with their wins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.actors import Actor
from kernel.context import request_id
from kernel.currencies import exponent
from kernel.money import Money
from wallet.models_rounds import Jackpot
from wallet.services.posting import check_amount, check_references, post
from wallet.types import Posting


def ensure_jackpot(*, code: str, name: str, currency: str) -> None:
    """Make a jackpot known, or give a known one its name; the currency of a known one stays."""
    exponent(currency)
    Jackpot.objects.update_or_create(
        code=code, defaults={"name": name}, create_defaults={"name": name, "currency": currency}
    )


def pay_jackpot(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    bet_key: str,
    jackpot: str,
    amount: Money,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Pay a jackpot win on a bet, to its purses in the proportion of the stake, out of the jackpot's own account.

    Beside the bet's wins, and no part of GGR. Publishes JackpotWon. Raises: FieldErrors.
    Outcomes: applied, replayed, conflict, unknown_reference, refused (``unknown_jackpot``).
    """
    check_references(source=source, idempotency_key=idempotency_key, bet_key=bet_key, jackpot=jackpot)
    check_amount("amount", amount)
    return post(
        "wallet_pay_jackpot",
        [
            player_id,
            source,
            idempotency_key,
            bet_key,
            jackpot,
            amount.currency,
            amount.amount_minor,
            at,
            str(actor),
            request_id.get(),
        ],
        amount.currency,
    )
