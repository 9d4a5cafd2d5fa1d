"""Batches: many bets and plays of many players in one call of wallet/sql/batch.sql, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection

from compliance.services.play_gate import ensure
from kernel.actors import Actor
from kernel.context import request_id
from kernel.errors import DomainError, FieldErrors
from wallet.services.posting import check_amount, check_references, read_posting
from wallet.types import BatchBet, Posting

MAX_ITEMS = 1_000

# Another call took a key first, two calls waited for each other, or the gate's row of a player was outdated meanwhile:
# nothing has happened, the next look sees more.
_ANEW = {"PM003", "40P01", "PM010"}
_ATTEMPTS = 3


class TooManyItems(DomainError):
    """The batch is longer than one call may be."""

    code = "too_many_items"
    title = "Too many items"
    status = 413


def place_batch(*, items: Sequence[BatchBet], source: str, actor: Actor, at: datetime) -> list[Posting]:
    """Place bets and plays, one answer for each in their order; one that is refused does not stop the others.

    All of it commits at once. A player's items take effect in their order, and balances are those after each of them.
    Publishes BetPlaced and WinCredited as single calls do. Raises: TooManyItems, FieldErrors naming an item's number.
    Outcomes of each: applied, replayed, conflict, tombstoned, refused.
    """
    if len(items) > MAX_ITEMS:
        raise TooManyItems(f"A batch has at most {MAX_ITEMS} items.", max_items=MAX_ITEMS)
    check_references(source=source)
    for number, item in enumerate(items):
        _check(number, item)
    if not items:
        return []
    params: list[Any] = [
        [item.player_id for item in items],
        source,
        [item.idempotency_key for item in items],
        [item.game for item in items],
        [item.round_id for item in items],
        [item.stake.currency for item in items],
        [item.stake.amount_minor for item in items],
        [item.win and item.win.amount_minor for item in items],
        at,
        str(actor),
        request_id.get(),
    ]
    for attempt in range(1, _ATTEMPTS + 1):
        ensure(player_ids=[item.player_id for item in items], at=at)
        try:
            rows = _call(params)
            break
        except DatabaseError as error:
            again = getattr(error.__cause__, "sqlstate", None) in _ANEW and attempt < _ATTEMPTS
            if not again or connection.in_atomic_block:
                raise
    return [read_posting(row, item.stake.currency) for row, item in zip(rows, items, strict=True)]


def _check(number: int, item: BatchBet) -> None:
    try:
        check_references(idempotency_key=item.idempotency_key, game=item.game, round_id=item.round_id)
        check_amount("stake", item.stake)
        if item.win is not None:
            check_amount("win", item.win, zero_allowed=True)
            if item.win.currency != item.stake.currency:
                raise FieldErrors({"win": ["Stake and win must be in one currency."]})
    except FieldErrors as error:
        raise error.within(f"items[{number}]") from None


def _call(params: list[Any]) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT outcome, reason, transfer_id, win_transfer_id, real_minor, bonus_minor, currency FROM wallet_bet_batch("
            "%s::uuid[], %s, %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s, %s, %s)",
            params,
        )
        rows: list[tuple[object, ...]] = cursor.fetchall()
        return rows
