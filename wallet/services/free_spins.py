"""Free spins: granted as a purse of whole spins, used up by free rounds, forfeited or expired.

Answers with the canonical outcomes, as services.bets does.
"""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from compliance.types_gate import BonusFacts
from kernel.actors import Actor, system
from kernel.context import request_id
from kernel.errors import FieldErrors
from kernel.money import MAX_AMOUNT_MINOR, Money
from wallet.models import Account
from wallet.services.incentives import find_denial
from wallet.services.posting import OwnSource, check_amount, check_references, post
from wallet.types import AccountKind, Posting
from wallet.types_purses import FreeSpinsTerms, SpinsEnd

MAX_SPINS = 10_000


def grant_free_spins(
    *,
    player_id: UUID,
    terms: FreeSpinsTerms,
    incentive: BonusFacts | None = None,
    gate_asked: bool = False,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> tuple[UUID, Posting]:
    """Open a free-spins purse; its id and the posting. Costs nothing yet: what the spins win does.

    Where wins are bonus money, their purse is opened with it, empty: ``winnings_id`` of the purse. Publishes
    FreeSpinsGranted. ``incentive`` is what the gate is told of it; ``gate_asked``: it has said yes to this. Raises:
    FieldErrors. Outcomes: applied, replayed, conflict, refused (also where the gate denies it).
    """
    check_references(source=source, idempotency_key=idempotency_key)
    check_amount("value", terms.value)
    if not 0 < terms.count <= MAX_SPINS or terms.count * terms.value.amount_minor > MAX_AMOUNT_MINOR:
        raise FieldErrors({"count": [f"Grant 1 to {MAX_SPINS} spins."]})
    # Named after the key, so that a retry meets the purses of the first call.
    purse_id = uuid5(NAMESPACE_URL, f"free spins:{source}:{idempotency_key}")
    worth = Money(terms.count * terms.value.amount_minor, terms.value.currency)
    facts = incentive or BonusFacts("free_spins", worth)
    if not gate_asked and (
        denied := find_denial(player_id=player_id, purse_id=purse_id, facts=facts, actor=actor, at=at)
    ):
        return purse_id, denied
    winnings = terms.winnings
    posting = post(
        "wallet_open_spins",
        [
            player_id,
            purse_id,
            terms.value.currency,
            terms.count,
            terms.value.amount_minor,
            list(terms.games) or None,
            terms.active_until,
            winnings_purse_of(purse_id) if winnings else None,
            winnings.priority if winnings else 0,
            winnings.stake_cap.amount_minor if winnings and winnings.stake_cap else None,
            (list(winnings.game_categories) or None) if winnings else None,
            winnings.active_until if winnings else None,
            source,
            idempotency_key,
            at,
            str(actor),
            request_id.get(),
        ],
        terms.value.currency,
    )
    return purse_id, posting


def winnings_purse_of(purse_id: UUID) -> UUID:
    """The bonus purse that was opened with a free-spins purse for what it wins, where wins are bonus money."""
    return uuid5(purse_id, "winnings")


def use_free_spins(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    game: str,
    round_id: str,
    value: Money,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Begin a free round: one spin where ``value`` is zero, else as many as it is worth. Its wins are wins on a bet.

    Publishes FreeBetPlaced. Raises: FieldErrors. Outcomes: applied, replayed, conflict, tombstoned, refused
    (``no_free_spins``: no purse of the player fits).
    """
    return place_free_bet(
        player_id=player_id,
        source=source,
        idempotency_key=idempotency_key,
        game=game,
        round_id=round_id,
        value=value,
        draw="must",
        actor=actor,
        at=at,
    )


def place_free_bet(
    *,
    player_id: UUID,
    source: str,
    idempotency_key: str,
    game: str,
    round_id: str,
    value: Money,
    draw: str,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Begin a round that costs the player no money. ``draw``: never, if_any or must use up spins of a purse.

    Publishes FreeBetPlaced. Raises: FieldErrors. Outcomes: applied, replayed, conflict, tombstoned, refused.
    """
    check_references(source=source, idempotency_key=idempotency_key, game=game, round_id=round_id)
    check_amount("value", value, zero_allowed=True)
    return post(
        "wallet_free_bet",
        [
            player_id,
            source,
            idempotency_key,
            game,
            round_id,
            value.currency,
            value.amount_minor,
            draw,
            at,
            str(actor),
            request_id.get(),
        ],
        value.currency,
    )


def end_free_spins(
    *,
    player_id: UUID,
    purse_id: UUID,
    why: SpinsEnd,
    currency: str,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> Posting:
    """Close a free-spins purse: spins that were not used are gone. What used ones win is still paid.

    Publishes FreeSpinsEnded. Raises: FieldErrors. Outcomes: applied, replayed, conflict, unknown_reference.
    """
    check_references(source=source, idempotency_key=idempotency_key)
    return post(
        "wallet_close_spins",
        [player_id, purse_id, why, source, idempotency_key, at, str(actor), request_id.get()],
        currency,
    )


def expire_free_spins(*, at: datetime, limit: int = 1_000) -> int:
    """Close the free-spins purses whose time is over; how many. May be run any number of times at once."""
    due = Account.objects.filter(kind=AccountKind.FREE_SPINS, closed_at=None, active_until__lte=at)
    rows = list(due.order_by("active_until").values_list("id", "player_id", "currency")[:limit])
    for purse_id, player_id, currency in rows:
        end_free_spins(
            player_id=player_id,
            purse_id=purse_id,
            why="expired",
            currency=currency,
            source=OwnSource.FREE_SPINS,
            idempotency_key=f"{purse_id}:expired",
            actor=system("expire-free-spins"),
            at=at,
        )
    return len(rows)
