"""Personal data as a member of staff may see it. The one place of the back office that decides."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from kernel.access import allowed
from kernel.actors import Actor
from players.types import PlayerDetails

PERMISSION = "players.view_personal_data"
DOTS = "•••"


def sees_personal_data(actor: Actor, player_id: UUID) -> bool:
    return bool(allowed(actor, PERMISSION, player_id))


def masked(player: PlayerDetails, actor: Actor) -> PlayerDetails:
    """The player as this actor may see them: names, contact and birth date shortened unless the role shows them."""
    if sees_personal_data(actor, player.id):
        return player
    return replace(
        player,
        email=mask_email(player.email),
        phone=mask_phone(player.phone),
        first_name=mask_name(player.first_name),
        last_name=mask_name(player.last_name),
        birth_date=None,
        city=mask_name(player.city),
        postcode=DOTS if player.postcode else "",
    )


def mask_email(email: str) -> str:
    local, _, domain = email.partition("@")
    return f"{local[:1]}{DOTS}@{domain[:1]}{DOTS}" if domain else mask_name(email)


def mask_phone(phone: str) -> str:
    return f"{phone[:3]} {DOTS} {phone[-2:]}" if len(phone) > 6 else mask_name(phone)


def mask_name(name: str) -> str:
    return f"{name[:1]}{DOTS}" if name else ""
