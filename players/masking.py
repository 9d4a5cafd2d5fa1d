"""How personal data looks to those who may not see it. Who may, is asked elsewhere: nothing here decides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from players.types import PersonalSection, PlayerDetails

DOTS = "•••"


def shorten(player: PlayerDetails, shown: Collection[PersonalSection] = ()) -> PlayerDetails:
    """The player with names, contact, birth date and place shortened, except for the sections that are ``shown``."""
    if PersonalSection.NAME not in shown:
        player = replace(
            player,
            first_name=mask_name(player.first_name),
            last_name=mask_name(player.last_name),
            birth_date=None,
            birth_name=mask_name(player.birth_name),
            birth_place=mask_name(player.birth_place),
        )
    if PersonalSection.CONTACT not in shown:
        player = replace(player, email=mask_email(player.email), phone=mask_phone(player.phone))
    if PersonalSection.ADDRESS not in shown:
        player = replace(player, city=mask_name(player.city), postcode=DOTS if player.postcode else "")
    return player


def mask_email(email: str) -> str:
    local, _, domain = email.partition("@")
    return f"{local[:1]}{DOTS}@{domain[:1]}{DOTS}" if domain else mask_name(email)


def mask_phone(phone: str) -> str:
    return f"{phone[:3]} {DOTS} {phone[-2:]}" if len(phone) > 6 else mask_name(phone)


def mask_name(name: str) -> str:
    return f"{name[:1]}{DOTS}" if name else ""
