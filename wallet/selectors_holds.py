"""Reads of holds: money that is set aside for bets."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from kernel.db import fetch_all
from kernel.errors import NotFound
from kernel.money import Money
from wallet.types import HoldDetails

# A hold's id is its transfer's, which says the rest.
_HOLDS = """
SELECT h.*, t.game, t.round, t.source, t.reference FROM (
    SELECT * FROM wallet_hold WHERE {} LIMIT %(limit)s
) h JOIN wallet_transfer t ON t.id = h.id ORDER BY {}"""
_OPEN = "amount_minor > captured_minor + released_minor"


def get_hold(hold_id: UUID) -> HoldDetails:
    """Raises: NotFound."""
    rows = fetch_all(_HOLDS.format("id = %(id)s", "h.id"), {"id": hold_id, "limit": 1})
    if not rows:
        raise NotFound(f"There is no hold {hold_id}.")
    return _hold(rows[0])


def list_holds(
    player_id: UUID, *, open_only: bool = False, before: UUID | None = None, limit: int = 50
) -> list[HoldDetails]:
    """A player's holds, newest first, older than ``before`` (a hold's id)."""
    which = "player_id = %(player)s AND (%(before)s::uuid IS NULL OR id < %(before)s)"
    which += f" AND {_OPEN}" if open_only else ""
    params = {"player": player_id, "before": before, "limit": limit}
    return [_hold(row) for row in fetch_all(_HOLDS.format(f"{which} ORDER BY id DESC", "h.id DESC"), params)]


def list_due_holds(at: datetime, limit: int) -> list[HoldDetails]:
    """Holds with something left whose time is over, the longest over first."""
    which = f"expires_at <= %(at)s AND {_OPEN} ORDER BY expires_at"
    return [_hold(row) for row in fetch_all(_HOLDS.format(which, "h.expires_at"), {"at": at, "limit": limit})]


def _hold(row: dict[str, Any]) -> HoldDetails:
    return HoldDetails(
        id=row["id"],
        player_id=row["player_id"],
        amount=Money(row["amount_minor"], row["currency"]),
        captured=Money(row["captured_minor"], row["currency"]),
        released=Money(row["released_minor"], row["currency"]),
        game=row["game"],
        round=row["round"],
        source=row["source"],
        key=row["reference"],
        reserved_at=row["reserved_at"],
        expires_at=row["expires_at"],
    )
