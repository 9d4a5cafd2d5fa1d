"""Deputies are appointed for a period, by the person themselves or by whoever may do it for others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from compliance.models_delegation import Delegation
from compliance.ports import UnknownKind, get_handler
from compliance.selectors_delegation import delegation_details
from compliance.types_delegation import DelegationDetails
from events.audit import record
from kernel.access import AccessDenied, allowed, granted, require
from kernel.actors import Actor
from kernel.errors import FieldErrors, NotFound
from players.selectors_access import get_staff_actor

ADD, APPOINT = "compliance.add_delegation", "compliance.appoint_deputy"
LONGEST = timedelta(days=92)


@transaction.atomic
def appoint_deputy(
    *,
    principal_id: int,
    deputy_id: int,
    kinds: Iterable[str],
    reason: str,
    active_from: datetime,
    active_until: datetime,
    actor: Actor,
    at: datetime,
) -> DelegationDetails:
    """Let one member of staff decide on approvals of ``kinds`` in another's place. Both must be allowed to by role.

    Raises: AccessDenied, UnknownStaff, FieldErrors.
    """
    principal, deputy = get_staff_actor(principal_id), get_staff_actor(deputy_id)
    if actor.id != principal.id:
        require(actor, APPOINT, None, at)
    elif not allowed(actor, APPOINT, None, at):
        require(actor, ADD, None, at)
    wanted = sorted(set(kinds))
    errors: dict[str, list[str]] = {}
    if principal.id == deputy.id:
        errors["deputy"] = ["Nobody is their own deputy."]
    if not wanted:
        errors["kinds"] = ["Say on what they shall decide."]
    if not reason.strip():
        errors["reason"] = ["Say in a few words why."]
    if not active_from < active_until or active_until <= at:
        errors["active_until"] = ["It ends before it begins."]
    elif active_until - active_from > LONGEST:
        errors["active_until"] = [f"At most {LONGEST.days} days."]
    for kind in wanted:
        _check_kind(kind, principal, deputy, errors)
    if errors:
        raise FieldErrors(errors)
    row = Delegation.objects.create(
        principal=str(principal),
        deputy=str(deputy),
        kinds=wanted,
        reason=reason,
        active_from=active_from,
        active_until=active_until,
        appointed_by=str(actor),
        appointed_at=at,
    )
    _record("appoint_deputy", row, actor, at)
    return delegation_details(row)


def _record(deed: str, row: Delegation, actor: Actor, at: datetime) -> None:
    record(
        action=f"compliance.{deed}",
        actor=actor,
        at=at,
        object_type="compliance.delegation",
        object_id=str(row.id),
        reason=row.reason,
        after={
            "principal": row.principal,
            "deputy": row.deputy,
            "kinds": ", ".join(row.kinds),
            "from": row.active_from.isoformat(),
            "until": (row.ended_at or row.active_until).isoformat(),
        },
    )


def _check_kind(kind: str, principal: Actor, deputy: Actor, errors: dict[str, list[str]]) -> None:
    try:
        permission = get_handler(kind).decide_permission
    except UnknownKind as error:
        errors.setdefault("kinds", []).append(str(error))
        return
    for field, person in (("kinds", principal), ("deputy", deputy)):
        if not granted(person, permission):
            whose = "The deputy's" if person is deputy else "Their own"
            errors.setdefault(field, []).append(f"{whose} roles do not decide on: {get_handler(kind).title}.")


@transaction.atomic
def end_delegation(*, delegation_id: UUID, actor: Actor, at: datetime) -> DelegationDetails:
    """End it now; principal, deputy, or whoever appoints for others. Raises: NotFound, AccessDenied."""
    row = Delegation.objects.select_for_update().filter(id=delegation_id).first()
    if row is None:
        raise NotFound(f"There is no delegation {delegation_id}.")
    if str(actor) not in (row.principal, row.deputy) and not allowed(actor, APPOINT, None, at):
        raise AccessDenied("This is between others.")
    if row.ended_at is None and at < row.active_until:
        row.ended_by, row.ended_at = str(actor), at
        row.save(update_fields=["ended_by", "ended_at"])
        _record("end_delegation", row, actor, at)
    return delegation_details(row)
