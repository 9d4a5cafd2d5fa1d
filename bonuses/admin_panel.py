"""The tab Bonuses of the player page: what is open, what was, what gave nothing and why."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from bonuses.admin_grants import bar, state_chip, worth
from bonuses.selectors import list_grants, list_occasions
from bonuses.selectors_codes import list_waiting
from bonuses.services.grants import GRANT
from bonuses.types import OPEN_STATES
from kernel.access import allowed
from kernel.money import total
from players.ports import Figure, PanelRequest

PAGE = 20


class BonusesPanel:
    key, title, order, permission = "bonuses", "Bonuses", 15, "bonuses.view_grant"
    template = "bonuses/panel.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        player_id, before = request.player.id, _uuid(request.query.get("before", ""))
        rows = list_grants(player_id, before=before, limit=PAGE)
        return {
            "rows": [(row, state_chip(row.state), worth(row), bar(row.wagering)) for row in rows],
            "older": rows[-1].id if len(rows) == PAGE else None,
            "first_page": before is None,
            "codes": list_waiting(player_id),
            "missed": list_occasions(player_id, given=False, limit=PAGE),
            "may_give": allowed(request.actor, GRANT, request.player),
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        rows = [row for row in list_grants(request.player.id, open_only=True, limit=PAGE) if row.state in OPEN_STATES]
        if not rows:
            return ()
        left = total((row.wagering.left for row in rows if row.wagering), request.player.currency)
        return (Figure("To wager", f"{left} {left.currency}"),)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
