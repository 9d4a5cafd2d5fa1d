"""Legal holds: placed with a reason, released with a reason, both on the audit trail."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from compliance.models_holds import LegalHold
from events.audit import record
from kernel.access import require
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors, NotFound
from players.selectors import get_player

PLACE = "compliance.place_legal_hold"


class AlreadyReleased(DomainError):
    """The hold is not in force any more."""

    code = "already_released"
    title = "This hold was released before"
    status = 409


def place_hold(
    *,
    reason: str,
    actor: Actor,
    at: datetime,
    player_id: UUID | None = None,
    object_type: str = "",
    object_id: str = "",
    ends_at: datetime | None = None,
) -> UUID:
    """Keep a player's data, or one object ("wallet.adapterrequest", its id), until ``ends_at`` or a release; the hold's id.

    Several may stand beside each other. Raises: AccessDenied, FieldErrors, UnknownPlayer.
    """
    require(actor, PLACE)
    errors: dict[str, list[str]] = {}
    if not reason.strip():
        errors["reason"] = ["Say which case or order asks for it."]
    if bool(player_id) == bool(object_type) or bool(object_type) != bool(object_id):
        errors["player"] = ["Name either a player, or an object by its type and id."]
    if ends_at and ends_at <= at:
        errors["ends_at"] = ["It would be over already."]
    if errors:
        raise FieldErrors(errors)
    if player_id:
        get_player(player_id)
    with transaction.atomic():
        hold = LegalHold.objects.create(
            player_id=player_id,
            object_type=object_type,
            object_id=object_id,
            reason=reason,
            placed_by=str(actor),
            placed_at=at,
            ends_at=ends_at,
        )
        _record("place", hold, reason, actor, at)
    return hold.id


def release_hold(*, hold_id: UUID, reason: str, actor: Actor, at: datetime) -> None:
    """Let purges take what the hold kept, once it is past its retention. Raises: AccessDenied, FieldErrors, NotFound,
    AlreadyReleased."""
    require(actor, PLACE)
    if not reason.strip():
        raise FieldErrors({"reason": ["Say in a few words why."]})
    with transaction.atomic():
        hold = LegalHold.objects.select_for_update().filter(id=hold_id).first()
        if hold is None:
            raise NotFound(f"There is no legal hold {hold_id}.")
        if hold.released_at or (hold.ends_at and hold.ends_at <= at):
            raise AlreadyReleased("It is not in force any more.")
        hold.released_at, hold.released_by, hold.release_reason = at, str(actor), reason
        hold.save(update_fields=["released_at", "released_by", "release_reason"])
        _record("release", hold, reason, actor, at)


def _record(deed: str, hold: LegalHold, reason: str, actor: Actor, at: datetime) -> None:
    record(
        action=f"compliance.{deed}_legal_hold",
        actor=actor,
        at=at,
        player_id=hold.player_id,
        object_type="compliance.legalhold",
        object_id=str(hold.id),
        reason=reason,
        after={"on": str(hold.player_id or f"{hold.object_type}:{hold.object_id}")},
    )
