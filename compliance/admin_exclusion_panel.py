"""The tab Exclusions of the player page: what stands, what was, who else it could be, what registers said."""

from __future__ import annotations

from collections.abc import Sequence

from compliance.selectors_cases import list_cases
from compliance.selectors_exclusions import list_end_requests, list_exclusions, list_register_checks
from compliance.selectors_packs import get_pack_of
from compliance.types_cases import CaseKind
from compliance.types_exclusion import EndRequestState
from kernel.access import allowed
from players.ports import Figure, PanelRequest


class ExclusionsPanel:
    key, title, order, permission = "exclusions", "Exclusions", 42, "compliance.view_exclusion"
    template = "compliance/panel_exclusions.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        player = request.player
        rows = list_exclusions(player_id=player.id)
        standing = [row for row in rows if row.stands(request.at)]
        asked = {
            row.exclusion_id: row
            for row in reversed(list_end_requests(exclusion_ids=[row.id for row in standing]))
            if row.state is not EndRequestState.REFUSED
        }
        pack = get_pack_of(player.id, request.at)
        sees_checks = allowed(request.actor, "compliance.view_registercheck", player)
        register = pack.text("registers.exclusion_name")
        return {
            "standing": [(row, asked.get(row.id)) for row in standing],
            "past": [row for row in rows if row not in standing],
            "matches": list_cases(kind=CaseKind.EXCLUSION_MATCH, player_id=player.id),
            "may_settle": allowed(request.actor, "compliance.resolve_reviewcase", player),
            "may_exclude": allowed(request.actor, "compliance.exclude_player", player),
            "may_check": bool(register) and allowed(request.actor, "compliance.check_register", player),
            "register": register,
            "pack": pack.label,
            "shows_checks": sees_checks,
            "checks": list_register_checks(player.id) if sees_checks else [],
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        standing = list_exclusions(player_id=request.player.id, standing_at=request.at, limit=1)
        return (Figure("Excluded", standing[0].kind.replace("_", " ")),) if standing else ()
