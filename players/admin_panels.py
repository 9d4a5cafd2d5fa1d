"""The player page's own panels: overview, restrictions, timeline. Other apps plug theirs in through players.ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from kernel.access import allowed
from players import rules
from players.admin_reveals import personal_context
from players.admin_timeline import PAGE, list_happenings
from players.ports import Figure, PanelRequest
from players.selectors import list_labels, list_restrictions, list_setting_changes
from players.types import RestrictionDetails, RestrictionKind

AML_REASON = "players.view_aml_reason"
HIDDEN = "Hidden: only compliance sees why."


def before_of(query: Mapping[str, str], name: str = "before") -> UUID | None:
    """The keyset of an "older" link; None on the first page and for nonsense."""
    try:
        return UUID(query.get(name, ""))
    except ValueError:
        return None


class OverviewPanel:
    key, title, order, permission = "overview", "Overview", 0, "players.view_player"
    template = "players/panel_overview.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        changes = list_setting_changes(request.player.id, limit=20)
        return {
            **personal_context(request.player, request.actor, request.at),
            "labels": list_labels(request.player.id),
            "changes": changes,
            "public_settings": {"status", "country", "language", "time_zone"},
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()


class RestrictionsPanel:
    key, title, order, permission = "restrictions", "Restrictions", 40, "players.view_restriction"
    template = "players/panel_restrictions.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        rows = list_restrictions(request.player.id)
        standing = [row for row in rows if _stands(row, request)]
        hides = not allowed(request.actor, AML_REASON, request.player)
        return {
            "standing": standing,
            "past": [row for row in rows if row not in standing],
            "hidden": {row.id for row in rows if hides and row.kind is RestrictionKind.AML_HOLD},
            "hidden_text": HIDDEN,
            "may_impose": allowed(request.actor, "players.impose_restriction", request.player),
            "may_lift": allowed(request.actor, "players.lift_restriction", request.player),
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()


def _stands(row: RestrictionDetails, request: PanelRequest) -> bool:
    return row.lifted_at is None and (row.active_until is None or row.active_until > request.at)


class TimelinePanel:
    key, title, order, permission = "timeline", "Timeline", 90, "events.view_event"
    template = "players/panel_timeline.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        lines = list_happenings(request.player.id, before_of(request.query))
        return {
            "lines": lines,
            "older": lines[-1].id if len(lines) == PAGE else None,
            "first_page": "before" not in request.query,
            "may_open": allowed(request.actor, "events.view_event", request.player),
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()


def in_words(kind: RestrictionKind) -> str:
    """What a restriction stops, as a sentence's end: "log in, deposit and play"."""
    verbs = {
        "login": "log in",
        "deposit": "deposit",
        "play": "place bets",
        "withdraw": "withdraw",
        "bonus": "receive bonuses",
        "marketing": "be sent marketing",
    }
    words = [verbs[action] for action in rules.BLOCKS[kind]]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
