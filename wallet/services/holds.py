"""Reserved bets: money is set aside, then captured as a bet in part or whole, or released. For games that ask for it.

Answers with the canonical outcomes, as services.bets does.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from kernel.actors import Actor
from kernel.context import request_id
from kernel.money import Money
from wallet.models_rounds import HoldEvent
from wallet.selectors_holds import list_due_holds
from wallet.services.posting import OwnSource, check_amount, check_references, post
from wallet.types import Outcome, Posting

BATCH = 500


def reserve(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    game: str,
    round_id: str,
    amount: Money,
    expires_at: datetime | None = None,
    event_begins_at: datetime | None = None,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Set money aside for a bet, drawn from the purses as a bet draws it; it counts only once captured.

    From ``expires_at`` on (by default HOLD_HOURS after ``at``) it can no longer be captured, and goes back.
    ``event_begins_at``: when what is bet on begins; until then the bet goes back to a player who is excluded.
    Publishes BetReserved. Raises: FieldErrors. Outcomes: applied, replayed, conflict, tombstoned, refused.
    """
    check_references(source=source, idempotency_key=idempotency_key, game=game, round_id=round_id)
    check_amount("amount", amount)
    posting = post(
        "wallet_reserve",
        [
            player_id,
            source,
            idempotency_key,
            game,
            round_id,
            amount.currency,
            amount.amount_minor,
            expires_at or at + timedelta(hours=settings.HOLD_HOURS),
            at,
            str(actor),
            request_id.get(),
        ],
        amount.currency,
    )
    if event_begins_at and posting.outcome in (Outcome.APPLIED, Outcome.REPLAYED) and posting.transfer_id:
        event = HoldEvent(hold_id=posting.transfer_id, player_id=player_id, begins_at=event_begins_at)
        HoldEvent.objects.bulk_create([event], ignore_conflicts=True)  # a retry writes what a crash left out
    return posting


def capture(
    *, player_id: UUID, source: str, idempotency_key: str, hold_key: str, amount: Money, actor: Actor, at: datetime
) -> Posting:
    """Make part or all of what ``hold_key`` reserved a bet; wins and rollbacks name it by this ``idempotency_key``.

    Purses stake in proportion to what is left of them in the hold. Publishes BetPlaced. Raises: FieldErrors.
    Outcomes: applied, replayed, conflict, unknown_reference, refused (``hold_exceeded``, ``hold_expired``).
    """
    check_amount("amount", amount)
    return _settle(player_id, source, idempotency_key, hold_key, True, amount.currency, amount.amount_minor, actor, at)


def release(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    hold_key: str,
    currency: str,
    amount: Money | None = None,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Give back what is left of a hold, or ``amount`` of it, to its purses in proportion; closed purses as for late wins.

    Publishes HoldReleased. Raises: FieldErrors. Outcomes as for ``capture``.
    """
    if amount:
        check_amount("amount", amount)
    minor = amount.amount_minor if amount else None
    return _settle(player_id, source, idempotency_key, hold_key, False, currency, minor, actor, at)


def expire_holds(*, actor: Actor, at: datetime) -> int:
    """Give back what is left of every hold whose time is over, each in a transaction of its own; how many did.

    Publishes HoldReleased. One that is captured or released meanwhile is left alone.
    """
    expired = 0
    while due := list_due_holds(at, BATCH):
        for hold in due:
            posting = post(
                "wallet_settle_hold",
                [
                    hold.player_id,
                    OwnSource.HOLDS,
                    str(hold.id),
                    "",
                    False,
                    hold.amount.currency,
                    None,
                    at,
                    str(actor),
                    request_id.get(),
                    hold.id,
                ],
                hold.amount.currency,
            )
            expired += posting.outcome is Outcome.APPLIED
        if len(due) < BATCH:
            break
    return expired


def _settle(
    player_id: UUID,
    source: str,
    key: str,
    hold_key: str,
    capturing: bool,
    currency: str,
    amount_minor: int | None,
    actor: Actor,
    at: datetime,
) -> Posting:
    check_references(source=source, idempotency_key=key, hold_key=hold_key)
    return post(
        "wallet_settle_hold",
        [player_id, source, key, hold_key, capturing, currency, amount_minor, at, str(actor), request_id.get()],
        currency,
    )
