"""Permissions on single objects, kept by django-guardian: a VIP manager's players, a team's tickets.

Who is given one, and by whom, is the business of the app that owns the object; ``kernel.access`` reads them here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from guardian.models import GroupObjectPermission, UserObjectPermission

from kernel.actors import Actor, ActorKind


class UnknownRole(LookupError):
    """No role of that name was set up."""


def load_grants(actor: Actor) -> Mapping[tuple[str, str], frozenset[str]]:
    """Everything that this member of staff was given on single objects, as a person and by their roles."""
    if actor.kind is not ActorKind.STAFF or not actor.id.isdigit():
        return {}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    names = ("content_type__app_label", "content_type__model", "object_pk", "permission__codename")
    user = int(actor.id)
    for rows in (
        UserObjectPermission.objects.filter(user_id=user),
        GroupObjectPermission.objects.filter(group__user=user),
    ):
        for app, model, key, codename in rows.values_list(*names):
            found[f"{app}.{model}", key].add(f"{app}.{codename}")
    return {name: frozenset(codes) for name, codes in found.items()}


def grant(*, permission: str, kind: str, key: str, staff_id: int | None = None, role: str = "") -> bool:
    """Give a person, or everybody of a role, ``permission`` ("players.care_for_player") on one object.

    False when they have it. Raises: UnknownRole; ValueError unless exactly one of person and role is named.
    """
    rows, holder = _holder(staff_id, role)
    _, made = rows.objects.get_or_create(**holder, **_names(permission, kind, key))
    return bool(made)


def withdraw(*, permission: str, kind: str, key: str, staff_id: int | None = None, role: str = "") -> bool:
    """Take it back; False when they did not have it. Raises: as ``grant``."""
    rows, holder = _holder(staff_id, role)
    deleted, _ = rows.objects.filter(**holder, **_names(permission, kind, key)).delete()
    return bool(deleted)


def _holder(staff_id: int | None, role: str) -> tuple[Any, dict[str, Any]]:
    if (staff_id is None) is (role == ""):
        raise ValueError("Name a person or a role, and not both.")
    if staff_id is not None:
        return UserObjectPermission, {"user_id": staff_id}
    group = Group.objects.filter(name=role).first()
    if group is None:
        raise UnknownRole(f"There is no role {role}.")
    return GroupObjectPermission, {"group": group}


def list_holders(permission: str, kind: str) -> list[tuple[int, str]]:
    """Who has ``permission`` on what: (id of the person, key of the object)."""
    app, _, codename = permission.partition(".")
    rows = UserObjectPermission.objects.filter(
        permission__codename=codename, permission__content_type__app_label=app, content_type__model=kind.split(".")[1]
    )
    return list(rows.values_list("user_id", "object_pk"))


def _names(permission: str, kind: str, key: str) -> dict[str, Any]:
    app, _, codename = permission.partition(".")
    content_type = ContentType.objects.get_by_natural_key(*kind.split("."))
    found = Permission.objects.get(codename=codename, content_type__app_label=app)
    return {"content_type": content_type, "object_pk": key, "permission": found}
