"""A member of staff as an Actor: all that their roles grant, by one query."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib.auth.models import Group

from kernel.actors import Actor, ActorKind


def actor_of(user: Any) -> Actor:
    """The person behind this account; somebody inactive or no staff has no permissions.

    What a person may do comes from roles alone; a superuser has all permissions and no role.
    """
    if not (user.is_active and user.is_staff):
        return Actor(ActorKind.STAFF, str(user.pk))
    granted: dict[str, set[str]] = defaultdict(set)
    rows = Group.objects.filter(user=user).values_list(
        "name", "permissions__content_type__app_label", "permissions__codename"
    )
    for role, app, code in rows:
        granted[role] |= {f"{app}.{code}"} if code else set()
    everything = user.get_all_permissions() if user.is_superuser else set().union(*granted.values())
    grants = tuple((role, frozenset(codes)) for role, codes in sorted(granted.items()))
    roles = frozenset(granted) | ({"superuser"} if user.is_superuser else set())
    return Actor(ActorKind.STAFF, str(user.pk), frozenset(everything), roles, grants)
