"""Who may do what in bonuses: staff by their permissions; a client's scope was asked for at the border."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.access import require
from kernel.actors import Actor, ActorKind


def need(actor: Actor, permission: str, player_id: UUID | None, at: datetime) -> None:
    """Raises: AccessDenied."""
    if actor.kind is not ActorKind.CLIENT:
        require(actor, permission, player_id, at)
