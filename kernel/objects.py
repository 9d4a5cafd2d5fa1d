"""Permissions on single objects, kept by django-guardian: a VIP manager's players, a team's tickets.

Who is given one, and by whom, is the business of the app that owns the object; ``kernel.access`` reads them here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from guardian.models import GroupObjectPermission, UserObjectPermission

from kernel.actors import Actor, ActorKind


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


def grant(*, staff_id: int, permission: str, kind: str, key: str) -> bool:
    """Give a person ``permission`` ("players.care_for_player") on one object; False when they have it."""
    _, made = UserObjectPermission.objects.get_or_create(user_id=staff_id, **_names(permission, kind, key))
    return made


def withdraw(*, staff_id: int, permission: str, kind: str, key: str) -> bool:
    """Take it back; False when they did not have it."""
    deleted, _ = UserObjectPermission.objects.filter(user_id=staff_id, **_names(permission, kind, key)).delete()
    return bool(deleted)


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
