"""Play sessions on the player page: where a player stands, what their games keep to, what they chose and acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from compliance.selectors_sessions import (
    find_login_summary,
    find_setting,
    get_game_rules,
    get_position,
    list_acknowledgements,
    list_settings,
)
from compliance.types_sessions import PlaySettingKind
from kernel.actors import Actor
from kernel.errors import DomainError
from kernel.money import Money
from players.ports import Figure, PanelRequest
from players.types import PlayerDetails


class PlayPanel:
    key, title, order, permission = "play", "Play", 34, "compliance.view_playsetting"
    template = "compliance/panel_play.html"

    def context(self, request: PanelRequest) -> dict[str, object]:
        player_id, at = request.player.id, request.at
        try:
            rules, trouble = get_game_rules(player_id, at), ""
        except DomainError as error:  # no exchange rate, an incomplete pack
            rules, trouble = None, error.detail
        position = get_position(player_id, at)
        return {
            "position": position,
            "minutes": position.elapsed_seconds // 60,
            "rules": rules,
            "trouble": trouble,
            "summary": find_login_summary(player_id, at),
            "settings": list_settings(player_id),
            "acknowledgements": list_acknowledgements(player_id),
        }

    def figures(self, request: PanelRequest) -> Sequence[Figure]:
        return ()


class PlayAsOf:
    """What the player had chosen for their own play at a moment."""

    title, order, permission = "Play", 35, "compliance.view_playsetting"

    def rows(self, player: PlayerDetails, at: datetime, actor: Actor) -> Sequence[tuple[str, Money | str]]:
        minutes = find_setting(player.id, PlaySettingKind.REALITY_CHECK, at)
        return [
            ("Reality check", f"every {minutes} minutes" if minutes else "nothing chosen"),
            ("Stake caps", find_setting(player.id, PlaySettingKind.STAKE_TIER, at) or "standard"),
        ]
