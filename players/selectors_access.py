"""Reads of roles, portfolios and staff's own accounts, and the facts that access policies ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, Permission
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from kernel.access import PlayerFacts, remember
from kernel.actors import Actor
from kernel.errors import NotFound
from kernel.objects import list_holders
from kernel.staff import actor_of
from players.models import Label, Player, User
from players.models_access import OwnAccount
from players.types import UserKind
from players.types_access import Care, OwnAccountDetails, PermissionDetails, RoleDetails, StaffDetails

CARE = "players.care_for_player"
PLAYER = "players.player"


class UnknownStaff(NotFound):
    """No member of staff has this id."""

    code = "unknown_staff"
    title = "No such member of staff"


class UnknownRole(NotFound):
    """There is no role of that name."""

    code = "unknown_role"
    title = "No such role"


# --- what policies ask ----------------------------------------------------------------------------------------------


def load_facts(player_ids: Iterable[UUID]) -> Mapping[UUID, PlayerFacts]:
    """The facts about these players that access policies look at, by one query."""
    level = Label.objects.filter(player=OuterRef("pk"), namespace="loyalty", key="level").values("value")[:1]
    own = OwnAccount.objects.filter(player=OuterRef("pk"), ended_at=None).order_by().values("player")
    owners = own.annotate(ids=_text_array("user_id")).values("ids")
    rows = Player.objects.filter(id__in=list(player_ids)).annotate(level=Subquery(level), owners=Subquery(owners))
    return {
        pk: PlayerFacts(country, level or "", frozenset(owners or ()))
        for pk, country, level, owners in rows.values_list("id", "country", "level", "owners")
    }


def _text_array(column: str) -> Any:
    from django.contrib.postgres.aggregates import ArrayAgg
    from django.db.models import CharField
    from django.db.models.functions import Cast

    return ArrayAgg(Cast(column, CharField()))


def matching_players(limit: Q) -> QuerySet[Any]:
    """Ids of the players on whom a policy's filter holds."""
    return Player.objects.filter(limit).order_by().values("id")


def own_player_ids(actor: Actor) -> frozenset[UUID]:
    """The accounts that are this member of staff's own; read once per request."""
    rows = (
        OwnAccount.objects.filter(user_id=int(actor.id), ended_at=None)
        if actor.id.isdigit()
        else OwnAccount.objects.none()
    )
    return remember(("own", str(actor)), lambda: frozenset(rows.values_list("player_id", flat=True)))


def players_on_levels(levels: Iterable[str]) -> QuerySet[Any]:
    """Ids of the players on these loyalty levels."""
    return Label.objects.filter(namespace="loyalty", key="level", value__in=list(levels)).values("player_id")


# --- staff and roles ------------------------------------------------------------------------------------------------


def get_staff(staff_id: int) -> StaffDetails:
    """Raises: UnknownStaff."""
    user = User.objects.filter(id=staff_id, kind=UserKind.STAFF).prefetch_related("groups").first()
    if user is None:
        raise UnknownStaff(f"There is no member of staff {staff_id}.")
    return _staff(user)


def get_staff_actor(staff_id: int) -> Actor:
    """A member of staff with all that their roles grant now. Raises: UnknownStaff."""
    user = User.objects.filter(id=staff_id, kind=UserKind.STAFF).first()
    if user is None:
        raise UnknownStaff(f"There is no member of staff {staff_id}.")
    return actor_of(user)


def list_staff(*, role: str = "", active: bool = True) -> list[StaffDetails]:
    """By login."""
    users = User.objects.filter(kind=UserKind.STAFF).prefetch_related("groups").order_by("username")
    if active:
        users = users.filter(is_active=True)
    if role:
        users = users.filter(groups__name=role)
    return [_staff(user) for user in users]


def _staff(user: User) -> StaffDetails:
    roles = tuple(sorted(group.name for group in user.groups.all()))
    return StaffDetails(user.pk, user.username, roles, user.is_active)


def list_roles() -> list[RoleDetails]:
    """Shipped roles first, then by name."""
    members = dict(
        Group.objects.filter(user__is_active=True).annotate(n=Count("user")).values_list("name", "n").order_by()
    )
    permissions = defaultdict(set)
    for name, app, code in Group.objects.filter(permissions__isnull=False).values_list(
        "name", "permissions__content_type__app_label", "permissions__codename"
    ):
        permissions[name].add(f"{app}.{code}")
    found = [
        RoleDetails(name, bool(shipped), text or "", frozenset(permissions[name]), members.get(name, 0))
        for name, shipped, text in Group.objects.values_list("name", "role__shipped", "role__description")
    ]
    return sorted(found, key=lambda role: (not role.shipped, role.name))


def get_role(name: str) -> RoleDetails:
    """Raises: UnknownRole."""
    for role in list_roles():
        if role.name == name:
            return role
    raise UnknownRole(f"There is no role {name}.")


def list_permissions() -> list[PermissionDetails]:
    """All permissions that a role can have, by area and code."""
    rows = Permission.objects.values_list("content_type__app_label", "codename", "name")
    return [
        PermissionDetails(f"{app}.{code}", app, name)
        for app, code, name in rows.order_by("content_type__app_label", "codename")
    ]


def list_permissions_in_use() -> list[PermissionDetails]:
    """Those that some role has: Django makes many more that nothing asks for."""
    used = frozenset[str]().union(*(role.permissions for role in list_roles()))
    return [permission for permission in list_permissions() if permission.code in used]


# --- portfolios -----------------------------------------------------------------------------------------------------


def list_portfolios(*, staff_id: int | None = None, player_id: UUID | None = None) -> list[Care]:
    """Who cares for whom, by manager and player."""
    pairs = [
        (staff, UUID(key))
        for staff, key in list_holders(CARE, PLAYER)
        if (staff_id is None or staff == staff_id) and (player_id is None or key == str(player_id))
    ]
    level = Label.objects.filter(player=OuterRef("pk"), namespace="loyalty", key="level").values("value")[:1]
    players = {
        pk: (login, country, level or "")
        for pk, login, country, level in Player.objects.filter(id__in={player for _, player in pairs})
        .annotate(level=Subquery(level))
        .values_list("id", "user__username", "country", "level")
    }
    logins = dict(User.objects.filter(id__in={staff for staff, _ in pairs}).values_list("id", "username"))
    found = [Care(player, *players[player], staff, logins[staff]) for staff, player in pairs]
    return sorted(found, key=lambda care: (care.staff_login, care.login))


# --- own accounts ---------------------------------------------------------------------------------------------------


def list_own_accounts(*, staff_id: int | None = None) -> list[OwnAccountDetails]:
    """Those that stand, newest first."""
    rows = OwnAccount.objects.filter(ended_at=None).select_related("user", "player__user").order_by("-id")
    if staff_id is not None:
        rows = rows.filter(user_id=staff_id)
    return [
        OwnAccountDetails(
            id=row.id,
            staff_id=row.user_id,
            staff_login=row.user.username,
            player_id=row.player_id,
            player_login=row.player.user.username,
            reason=row.reason,
            declared_by=row.declared_by,
            declared_at=row.declared_at,
            ended_at=row.ended_at,
        )
        for row in rows
    ]


def list_namesakes(staff_id: int) -> list[tuple[UUID, str]]:
    """Players who bear this person's first and last name: somebody should look whether it is the same person."""
    user = User.objects.filter(id=staff_id, kind=UserKind.STAFF).first()
    if user is None or not (user.first_name and user.last_name):
        return []
    found = Player.objects.filter(
        profile__last_name__lower=user.last_name.lower(), profile__first_name__lower=user.first_name.lower()
    ).exclude(id__in=OwnAccount.objects.filter(user_id=staff_id, ended_at=None).values("player_id"))
    return list(found.values_list("id", "user__username")[:20])
