"""Personal data as a member of staff may see it. The one place of the back office that decides."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from kernel.access import allowed
from kernel.actors import Actor
from players.masking import DOTS, mask_email, mask_name, mask_phone, shorten  # noqa: F401  (lists take them from here)
from players.types import PersonalSection, PlayerDetails

PERMISSION = "players.view_personal_data"


def sees_personal_data(actor: Actor, player_id: UUID | None = None) -> bool:
    """Of this player; without one, of people in general."""
    return bool(allowed(actor, PERMISSION, player_id))


def masked(player: PlayerDetails, actor: Actor, revealed: Collection[PersonalSection] = ()) -> PlayerDetails:
    """The player as this actor may see them: names, contact and birth date shortened unless the role shows them.

    ``revealed`` names sections that the actor has revealed with a reason.
    """
    return player if sees_personal_data(actor, player.id) else shorten(player, revealed)
