"""The profile beside a document: what the player says of themself, as far as the one who looks may see it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from compliance.rules_kyc import age_on
from kernel.access import allowed
from kernel.actors import Actor
from players.masking import DOTS, shorten
from players.selectors import get_player
from players.selectors_reveals import list_standing_reveals
from players.selectors_sealed import read_sealed
from players.services.reveals import note_view
from players.types import PersonalSection, SealedField

SEE = "players.view_personal_data"


def profile_of(player_id: UUID, actor: Actor, at: datetime, *, seen: bool) -> list[tuple[str, str]]:
    """Names, birth date, address and identity number as rows.

    ``seen``: the actor has the case in hand, which is the reason to see all of it. Else plain data goes by the role and
    by what was revealed, sealed data by what was revealed. Whoever sees any of it is on the audit trail.
    """
    player, sealed = get_player(player_id), read_sealed(player_id)
    revealed = set(PersonalSection) if seen else set(list_standing_reveals(player_id, actor, at))
    personal = seen or bool(allowed(actor, SEE, player_id))
    shown = player if personal else shorten(player, revealed)
    if personal or revealed:
        note_view(player_id=player_id, what="a verification case", actor=actor, at=at)

    def under_key(field: SealedField, section: PersonalSection) -> str:
        if field not in sealed:
            return ""
        return sealed[field] if section in revealed else DOTS

    born = shown.birth_date
    return [
        ("Name", f"{shown.first_name} {shown.last_name}".strip()),
        ("Born", f"{born.isoformat()} (age {age_on(born, at.date())})" if born else DOTS if player.birth_date else ""),
        ("Street", under_key(SealedField.STREET, PersonalSection.ADDRESS)),
        ("Place", f"{shown.postcode} {shown.city}".strip()),
        ("Country", player.country),
        ("National identity number", under_key(SealedField.NATIONAL_ID, PersonalSection.DOCUMENTS)),
    ]
