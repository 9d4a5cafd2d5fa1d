"""Loyalty's tab of the player page: level, points, the way to the next level and to losing this one, the histories."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from kernel.access import allowed
from loyalty.selectors import (
    find_level_order,
    get_standing,
    list_accruals,
    list_level_changes,
    list_points_entries,
    list_redemptions,
)
from loyalty.services.levels import ORDER
from loyalty.services.points import CORRECT
from loyalty.types import LoyaltyStanding
from players.ports import Figure, PanelRequest

PAGE = 20


class LoyaltyPanel:
    key, title, order, permission = "loyalty", "Loyalty", 20, "loyalty.view_standing"
    template = "loyalty/panel.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        player_id = request.player.id
        before = _uuid(request.query.get("before", ""))
        at = request.at
        standing = get_standing(player_id, at, player=request.player)
        entries = list_points_entries(player_id, before=before, limit=PAGE)
        return {
            "standing": standing,
            "progress": progress(standing),
            "keeping": keeping(standing),
            "in_grace": bool(standing.grace_until and standing.grace_until > at),
            "order": find_level_order(player_id),
            "may_order": allowed(request.actor, ORDER, request.player),
            "accruals": list_accruals(player_id, limit=10),
            "redemptions": list_redemptions(player_id, limit=10),
            "may_correct": allowed(request.actor, CORRECT, request.player),
            "entries": entries,
            "older": entries[-1].id if len(entries) == PAGE else None,
            "first_page": before is None,
            "changes": list_level_changes(player_id, limit=20),
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        standing = get_standing(request.player.id, request.at, player=request.player)
        return (Figure("Level", standing.level.name), Figure("Points", f"{standing.points:,}"))


def progress(standing: LoyaltyStanding) -> int:
    """Per cent of the way from this level's entry to the next one's; 100 on the highest."""
    if standing.next_level is None or standing.to_next_eur is None:
        return 100
    start, end = standing.level.entry_eur, standing.next_level.entry_eur
    return _per_cent(end - start - standing.to_next_eur, end - start)


def keeping(standing: LoyaltyStanding) -> int:
    """Per cent of the turnover of 30 days that keeps the level."""
    return _per_cent(standing.turnover_30d_eur, standing.keep_eur)


def _per_cent(part: Decimal, whole: Decimal) -> int:
    return max(0, min(100, int(part / whole * 100))) if whole > 0 else 100


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
