"""What somebody has revealed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.actors import Actor
from players.models_reveals import Reveal
from players.types import PersonalSection, RevealDetails


def list_standing_reveals(player_id: UUID, actor: Actor, at: datetime) -> dict[PersonalSection, RevealDetails]:
    """Sections of this player's personal data that the actor may see at this moment because they revealed them."""
    rows = Reveal.objects.filter(player_id=player_id, actor=str(actor), revealed_until__gt=at, revealed_at__lte=at)
    return {
        PersonalSection(row.section): RevealDetails(
            PersonalSection(row.section), row.actor, row.reason, row.revealed_at, row.revealed_until
        )
        for row in rows.order_by("revealed_until")
    }


def count_reveals(actor: Actor, since: datetime) -> int:
    return Reveal.objects.filter(actor=str(actor), revealed_at__gt=since).count()
