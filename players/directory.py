"""Tells the audit trail's pages who its people are (events.ports.Directory)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from players.selectors import find_player_by_login, find_staff_id, list_staff_names


class PeopleDirectory:
    def list_staff_names(self, staff_ids: Iterable[str]) -> Mapping[str, str]:
        numbers = [int(staff_id) for staff_id in staff_ids if staff_id.isascii() and staff_id.isdigit()]
        return {str(number): name for number, name in list_staff_names(numbers).items()}

    def find_staff_id(self, login: str) -> str | None:
        return find_staff_id(login)

    def find_player_id(self, login: str) -> UUID | None:
        player = find_player_by_login(login)
        return player.id if player else None
