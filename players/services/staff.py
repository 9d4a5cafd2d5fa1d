"""Staff: their roles, which are Django groups, and their accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from players.models import User
from players.types import UserKind


class UnknownPermission(LookupError):
    """A role names a permission that no model has."""


class UnknownRole(LookupError):
    """No role of that name was set up."""


class LoginTaken(ValueError):
    """A player has this login: nobody is both staff and player."""


@transaction.atomic
def ensure_groups(roles: Mapping[str, Iterable[str]]) -> None:
    """Give each role exactly these permissions ("players.view_player"). Roles that are not named stay as they are.

    Raises: UnknownPermission.
    """
    known = {
        f"{label}.{codename}": pk
        for pk, label, codename in Permission.objects.values_list("pk", "content_type__app_label", "codename")
    }
    for name, wanted in roles.items():
        codes = set(wanted)
        if missing := codes - known.keys():
            raise UnknownPermission(f"Role {name} names permissions that do not exist: {', '.join(sorted(missing))}")
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set([known[code] for code in codes])


@transaction.atomic
def ensure_staff(*, login: str, email: str, password: str, roles: Iterable[str], at: datetime) -> int:
    """Make a staff account with these roles, or give the one that has this login the roles and the password; its id.

    Raises: UnknownRole, LoginTaken.
    """
    names = set(roles)
    groups = list(Group.objects.filter(name__in=names))
    if missing := names - {group.name for group in groups}:
        raise UnknownRole(f"There is no role {', '.join(sorted(missing))}; set the roles up first.")
    user, _ = User.objects.get_or_create(
        username=login.casefold(),
        defaults={"email": email.casefold(), "kind": UserKind.STAFF, "is_staff": True, "date_joined": at},
    )
    if user.kind != UserKind.STAFF:
        raise LoginTaken(f"The login {login} belongs to a player.")
    user.password = make_password(password)
    user.save(update_fields=["password"])
    user.groups.set(groups)
    return int(user.pk)
