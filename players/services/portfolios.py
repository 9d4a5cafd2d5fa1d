"""VIP managers' portfolios: who cares for which player, as object permissions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from events.audit import record
from events.services.log import holding
from kernel.access import allowed, require
from kernel.actors import Actor
from kernel.errors import FieldErrors
from kernel.objects import grant, withdraw
from players.selectors import get_player
from players.selectors_access import CARE, PLAYER, get_staff, get_staff_actor

ASSIGN = "players.assign_portfolio"


def put_into_portfolio(*, player_id: UUID, staff_id: int, actor: Actor, at: datetime) -> bool:
    """Let this member of staff care for the player; False when they do already.

    Raises: AccessDenied, UnknownPlayer, UnknownStaff, FieldErrors.
    """
    require(actor, ASSIGN, player_id, at)
    get_player(player_id)
    if not get_staff(staff_id).active:
        raise FieldErrors({"manager": ["This account is switched off."]})
    manager = get_staff_actor(staff_id)
    if not allowed(manager, "players.view_player", player_id, at):
        raise FieldErrors(
            {"manager": [f"They may not: {allowed(manager, 'players.view_player', player_id, at).reason}."]}
        )
    with holding(player_id):
        given = grant(staff_id=staff_id, permission=CARE, kind=PLAYER, key=str(player_id))
        if given:
            _record("put_into_portfolio", player_id, staff_id, actor, at)
    return given


def take_from_portfolio(*, player_id: UUID, staff_id: int, actor: Actor, at: datetime) -> bool:
    """End the care of this member of staff for the player; False when there was none. Raises: AccessDenied."""
    require(actor, ASSIGN, player_id, at)
    with holding(player_id):
        taken = withdraw(staff_id=staff_id, permission=CARE, kind=PLAYER, key=str(player_id))
        if taken:
            _record("take_from_portfolio", player_id, staff_id, actor, at)
    return taken


def _record(deed: str, player_id: UUID, staff_id: int, actor: Actor, at: datetime) -> None:
    record(
        action=f"players.{deed}",
        actor=actor,
        at=at,
        player_id=player_id,
        object_type="players.user",
        object_id=str(staff_id),
    )
