"""Staff accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from players.models import User
from players.types import UserKind


class UnknownRole(LookupError):
    """No role of that name was set up."""


class LoginTaken(ValueError):
    """A player has this login: nobody is both staff and player."""


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
