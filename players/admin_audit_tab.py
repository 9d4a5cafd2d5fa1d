"""The player page's tab "Audit": who looked at this player, and what staff and programs did to the account."""

from __future__ import annotations

from collections.abc import Sequence

from events.audit_display import lines_of
from events.selectors_audit import list_audit, list_looks
from events.types import AuditQuery
from players.admin_panels import before_of
from players.ports import Figure, PanelRequest

PAGE = 25


class AuditPanel:
    key, title, order, permission = "audit", "Audit", 98, "events.view_auditrecord"
    template = "players/panel_audit.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        player_id = request.player.id
        looks = list_looks(player_id, before=before_of(request.query, "looks_before"), limit=PAGE + 1)
        deeds = list_audit(
            AuditQuery(player_id=player_id), before=before_of(request.query, "deeds_before"), limit=PAGE + 1
        )
        return {
            "looks": lines_of(looks[:PAGE]),
            "older_looks": looks[PAGE - 1].id if len(looks) > PAGE else None,
            "deeds": lines_of(deeds[:PAGE]),
            "older_deeds": deeds[PAGE - 1].id if len(deeds) > PAGE else None,
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()
