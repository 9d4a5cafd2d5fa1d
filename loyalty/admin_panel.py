"""Loyalty's tab of the player page: level, points, the way to the next level, both histories."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from loyalty.selectors import get_standing, list_level_changes, list_levels, list_points_entries
from loyalty.types import LoyaltyStanding
from players.ports import Figure, PanelRequest

PAGE = 20


class LoyaltyPanel:
    key, title, order, permission = "loyalty", "Loyalty", 20, "loyalty.view_standing"
    template = "loyalty/panel.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        player_id = request.player.id
        before = _uuid(request.query.get("before", ""))
        standing = get_standing(player_id)
        entries = list_points_entries(player_id, before=before, limit=PAGE)
        return {
            "standing": standing,
            "progress": progress(standing),
            "levels": list_levels(),
            "entries": entries,
            "older": entries[-1].id if len(entries) == PAGE else None,
            "first_page": before is None,
            "changes": list_level_changes(player_id, limit=20),
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        standing = get_standing(request.player.id)
        return (Figure("Level", standing.level.name), Figure("Points", f"{standing.points:,}"))


def progress(standing: LoyaltyStanding) -> int:
    """Per cent of the way from this level's threshold to the next one's; 100 on the highest."""
    if standing.next_level is None:
        return 100
    start, end = standing.level.threshold_eur, standing.next_level.threshold_eur
    done = (standing.turnover_eur - start) / (end - start) if end > start else Decimal(0)
    return max(0, min(100, int(done * 100)))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
