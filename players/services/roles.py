"""Roles: shipped ones brought in line with the code, custom ones made in the back office, and who has which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from events.audit import record
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors
from players.models import User
from players.models_access import Role
from players.selectors_access import UnknownStaff, get_role, list_roles
from players.types import UserKind
from players.types_access import RoleDetails, RoleDifference, StaffDetails

_NAME = re.compile(r"[a-z][a-z0-9_]{2,39}")


class UnknownPermission(LookupError):
    """A role names a permission that no model has."""


class RoleIsShipped(DomainError):
    """What a shipped role may do comes with the software; make a custom role instead."""

    code = "role_is_shipped"
    title = "This role comes with the software"
    status = 409


def plan_roles(wanted: Mapping[str, Iterable[str]]) -> list[RoleDifference]:
    """What ``apply_roles`` would change, role by role; shipped roles that the code does not know any more are "gone"."""
    present = {role.name: role for role in list_roles()}
    plan = []
    for name, codes in sorted(wanted.items()):
        role = present.get(name)
        before, after = role.permissions if role else frozenset(), frozenset(codes)
        state = "new" if role is None else "same" if before == after and role.shipped else "changed"
        members = role.members if role else 0
        plan.append(RoleDifference(name, state, tuple(sorted(after - before)), tuple(sorted(before - after)), members))
    gone = [role for role in present.values() if role.shipped and role.name not in wanted]
    return plan + [
        RoleDifference(role.name, "gone", (), tuple(sorted(role.permissions)), role.members) for role in gone
    ]


@transaction.atomic
def apply_roles(wanted: Mapping[str, Iterable[str]], *, actor: Actor, at: datetime) -> list[RoleDifference]:
    """Give each shipped role exactly these permissions ("players.view_player"); what was changed.

    Custom roles stay as they are. A shipped role that is not named any more loses all permissions and keeps its people.
    Raises: UnknownPermission.
    """
    known = _permissions()
    changes = [difference for difference in plan_roles(wanted) if difference.state != "same"]
    for difference in changes:
        codes = set(wanted.get(difference.name, ()))
        if missing := codes - known.keys():
            names = ", ".join(sorted(missing))
            raise UnknownPermission(f"Role {difference.name} names permissions that do not exist: {names}")
        group, _ = Group.objects.get_or_create(name=difference.name)
        group.permissions.set([known[code] for code in codes])
        record(
            action="players.apply_role",
            actor=actor,
            at=at,
            object_type="players.role",
            object_id=difference.name,
            before={"taken": ", ".join(difference.removed)},
            after={"given": ", ".join(difference.added)},
        )
        Role.objects.update_or_create(
            group=group, defaults={"shipped": True, "changed_by": str(actor), "changed_at": at}
        )
    return changes


@transaction.atomic
def set_role_permissions(
    *, name: str, description: str, permissions: Iterable[str], actor: Actor, at: datetime
) -> RoleDetails:
    """Make a custom role, or give it exactly these permissions. Raises: FieldErrors, RoleIsShipped."""
    codes = set(permissions)
    check_custom_role(name, codes)
    known = _permissions()
    group, _ = Group.objects.get_or_create(name=name)
    before = get_role(name)
    group.permissions.set([known[code] for code in codes])
    record(
        action="players.set_role",
        actor=actor,
        at=at,
        object_type="players.role",
        object_id=name,
        before={"permissions": ", ".join(sorted(before.permissions)), "description": before.description},
        after={"permissions": ", ".join(sorted(codes)), "description": description},
    )
    Role.objects.update_or_create(
        group=group,
        defaults={"shipped": False, "description": description, "changed_by": str(actor), "changed_at": at},
    )
    return get_role(name)


def check_custom_role(name: str, permissions: Iterable[str]) -> None:
    """Could a custom role be called that, and have these? Raises: FieldErrors, RoleIsShipped."""
    if not _NAME.fullmatch(name):
        raise FieldErrors({"name": ["Use 3 to 40 small letters, digits and underscores, a letter first."]})
    if Role.objects.filter(group__name=name, shipped=True).exists():
        raise RoleIsShipped(f"{name} comes with the software: a deployment would undo what is changed here.")
    if missing := set(permissions) - _permissions().keys():
        raise FieldErrors({"permissions": [f"There is no permission {', '.join(sorted(missing))}."]})


@transaction.atomic
def set_staff_roles(*, staff_id: int, roles: Iterable[str], actor: Actor, at: datetime) -> StaffDetails:
    """Give a member of staff exactly these roles. Raises: UnknownStaff, FieldErrors."""
    user = User.objects.select_for_update().filter(id=staff_id, kind=UserKind.STAFF).first()
    if user is None:
        raise UnknownStaff(f"There is no member of staff {staff_id}.")
    names = set(roles)
    groups = list(Group.objects.filter(name__in=names))
    if missing := names - {group.name for group in groups}:
        raise FieldErrors({"roles": [f"There is no role {', '.join(sorted(missing))}."]})
    before = sorted(user.groups.values_list("name", flat=True))
    user.groups.set(groups)
    record(
        action="players.set_staff_roles",
        actor=actor,
        at=at,
        object_type="players.user",
        object_id=str(staff_id),
        before={"roles": ", ".join(before)},
        after={"roles": ", ".join(sorted(names))},
    )
    return StaffDetails(user.pk, user.username, tuple(sorted(names)), user.is_active)


def _permissions() -> dict[str, int]:
    rows = Permission.objects.values_list("pk", "content_type__app_label", "codename")
    return {f"{label}.{codename}": pk for pk, label, codename in rows}
