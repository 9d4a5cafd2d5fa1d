"""Player accounts of staff: declared by the person, or found by somebody else. The person may not touch them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from events.audit import record
from events.services.log import holding
from kernel.access import AccessDenied, require
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors, NotFound
from players.models_access import OwnAccount
from players.selectors import get_player
from players.selectors_access import get_staff

RECORD, END = "players.add_ownaccount", "players.change_ownaccount"


class AlreadyDeclared(DomainError):
    """It is known already that this account is theirs."""

    code = "already_declared"
    title = "This is known already"
    status = 409


def declare_own_account(*, staff_id: int, player_id: UUID, reason: str, actor: Actor, at: datetime) -> UUID:
    """Note that a player account belongs to a member of staff; its id. Everybody may declare their own.

    Raises: AccessDenied, UnknownPlayer, UnknownStaff, FieldErrors, AlreadyDeclared.
    """
    if actor.id != str(staff_id):
        require(actor, RECORD, None, at)
    if not reason.strip():
        raise FieldErrors({"reason": ["Say in a few words how this is known."]})
    get_staff(staff_id)
    get_player(player_id)
    try:
        with holding(player_id), transaction.atomic():
            row = OwnAccount.objects.create(
                user_id=staff_id, player_id=player_id, reason=reason, declared_by=str(actor), declared_at=at
            )
            _record("declare_own_account", row, reason, actor, at)
            return row.id
    except IntegrityError:
        raise AlreadyDeclared("This account is known to be theirs.") from None


def end_own_account(*, own_account_id: UUID, actor: Actor, at: datetime) -> None:
    """Note that an account is not theirs after all; nobody does this for themselves.

    Raises: AccessDenied, NotFound.
    """
    require(actor, END, None, at)
    row = OwnAccount.objects.filter(id=own_account_id, ended_at=None).first()
    if row is None:
        raise NotFound("There is no such note.")
    if actor.id == str(row.user_id):
        raise AccessDenied("Somebody else says that an account is not yours any more.")
    with holding(row.player_id):
        row.ended_by, row.ended_at = str(actor), at
        row.save(update_fields=["ended_by", "ended_at"])
        _record("end_own_account", row, "", actor, at)


def _record(deed: str, row: OwnAccount, reason: str, actor: Actor, at: datetime) -> None:
    record(
        action=f"players.{deed}",
        actor=actor,
        at=at,
        player_id=row.player_id,
        object_type="players.user",
        object_id=str(row.user_id),
        reason=reason,
    )
