"""Roles given to staff and custom roles edited: by one person, or asked for and approved by a second (FOUR_EYES)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from compliance.services.approvals import request_approval
from compliance.types import ApprovalDetails
from kernel.access import AccessDenied, require
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors
from players.selectors_access import UnknownRole, get_role, get_staff, get_staff_actor, list_roles
from players.services.roles import check_custom_role, set_role_permissions, set_staff_roles

GIVE_ROLES, EDIT_ROLE, APPROVE = "players.change_staff_roles", "players.change_role", "players.approve_role_change"
STAFF_ROLES, ROLE = "compliance.staff_roles", "compliance.role"


class RolesMoved(DomainError):
    """Somebody changed the roles since this was asked for: what was shown is not what it is about any more."""

    code = "roles_moved"
    title = "The roles were changed meanwhile"
    status = 409


def change_staff_roles(
    *, staff_id: int, roles: Iterable[str], comment: str, idempotency_key: str, actor: Actor, at: datetime
) -> ApprovalDetails | None:
    """Give a member of staff exactly these roles; None when done at once, else what waits for a second person.

    Raises: AccessDenied, UnknownStaff, FieldErrors, IdempotencyConflict.
    """
    require(actor, GIVE_ROLES, None, at)
    _check_comment(comment)
    staff, wanted = get_staff(staff_id), sorted(set(roles))
    _not_oneself(actor, staff_id)
    if unknown := set(wanted) - {role.name for role in list_roles()}:
        raise FieldErrors({"roles": [f"There is no role {', '.join(sorted(unknown))}."]})
    if tuple(wanted) == staff.roles:
        raise FieldErrors({"roles": ["These are the roles they have."]})
    if "staff_roles" not in settings.FOUR_EYES:
        set_staff_roles(staff_id=staff_id, roles=wanted, actor=actor, at=at)
        return None
    before, after = staff_differences(staff.roles, wanted)
    return request_approval(
        kind=STAFF_ROLES,
        player_id=None,
        subject=f"Roles of {staff.login}",
        content={"staff_id": staff_id, "roles": wanted, "from": list(staff.roles)},
        before=before,
        after=after,
        comment=comment,
        idempotency_key=idempotency_key,
        actor=actor,
        at=at,
    )


def staff_differences(before: Iterable[str], after: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """What changes for the person, as an approver sees it: each role, and each permission that is won or lost."""
    permissions = {role.name: role.permissions for role in list_roles()}
    had, has = set(before), set(after)
    may_before = frozenset[str]().union(*(permissions[name] for name in had if name in permissions))
    may_after = frozenset[str]().union(*(permissions[name] for name in has if name in permissions))
    roles = {f"role {name}": (name in had, name in has) for name in sorted(had | has)}
    codes = {f"may {code}": (code in may_before, code in may_after) for code in sorted(may_before ^ may_after)}
    return _yes_no({**roles, **codes})


def _yes_no(pairs: dict[str, tuple[bool, bool]]) -> tuple[dict[str, str], dict[str, str]]:
    words = {True: "yes", False: "no"}
    return {k: words[old] for k, (old, _) in pairs.items()}, {k: words[new] for k, (_, new) in pairs.items()}


def change_role(
    *,
    name: str,
    description: str,
    permissions: Iterable[str],
    comment: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> ApprovalDetails | None:
    """Make a custom role or give it exactly these permissions; None when done at once, else what waits.

    Raises: AccessDenied, FieldErrors, RoleIsShipped, IdempotencyConflict.
    """
    require(actor, EDIT_ROLE, None, at)
    _check_comment(comment)
    wanted = sorted(set(permissions))
    check_custom_role(name, wanted)
    _not_ones_own_role(actor, name)
    had = _permissions_of(name)
    if "role_permissions" not in settings.FOUR_EYES:
        set_role_permissions(name=name, description=description, permissions=wanted, actor=actor, at=at)
        return None
    changed = {f"may {code}": (code in had, code in wanted) for code in sorted(had ^ set(wanted))}
    before, after = _yes_no(changed)
    return request_approval(
        kind=ROLE,
        player_id=None,
        subject=f"Custom role {name}",
        content={"name": name, "description": description, "permissions": wanted, "from": sorted(had)},
        before={"description": _description_of(name), **before},
        after={"description": description, **after},
        comment=comment,
        idempotency_key=idempotency_key,
        actor=actor,
        at=at,
    )


def _check_comment(comment: str) -> None:
    if not comment.strip():
        raise FieldErrors({"comment": ["Say in a few words why."]})


def _not_oneself(actor: Actor, staff_id: int) -> None:
    if actor.id == str(staff_id):
        raise AccessDenied("Nobody changes their own roles.")


def _not_ones_own_role(actor: Actor, name: str) -> None:
    if name in actor.roles:
        raise AccessDenied("Nobody changes a role that they have.")


def _permissions_of(name: str) -> frozenset[str]:
    try:
        return get_role(name).permissions
    except UnknownRole:
        return frozenset()


def _description_of(name: str) -> str:
    try:
        return get_role(name).description
    except UnknownRole:
        return ""


class StaffRolesApproval:
    """How an approved change of somebody's roles is carried out."""

    kind, title = STAFF_ROLES, "Roles of a member of staff"
    request_permission, decide_permission = GIVE_ROLES, APPROVE
    expires_after = timedelta(days=3)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        staff = get_staff(approval.content["staff_id"])
        lines = [f"{staff.login} has these roles from then on: {', '.join(approval.content['roles']) or 'none'}."]
        if list(staff.roles) != approval.content["from"]:
            lines.append("It cannot be carried out: their roles were changed since it was asked for.")
        return [*lines, "It counts from their next page on."]

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        content: dict[str, Any] = approval.content
        _not_oneself(actor, content["staff_id"])
        if list(get_staff(content["staff_id"]).roles) != content["from"]:
            raise RolesMoved("Their roles were changed since this was asked for; ask anew.")
        # Whoever asked may have lost the right since.
        require(get_staff_actor(int(approval.requested_by.removeprefix("staff:"))), GIVE_ROLES, None, at)
        set_staff_roles(staff_id=content["staff_id"], roles=content["roles"], actor=actor, at=at)
        return str(content["staff_id"])

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Nobody waits for it."""


class RoleApproval:
    """How an approved edit of a custom role is carried out."""

    kind, title = ROLE, "Custom role"
    request_permission, decide_permission = EDIT_ROLE, APPROVE
    expires_after = timedelta(days=3)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        content = approval.content
        role = next((role for role in list_roles() if role.name == content["name"]), None)
        whom = f"{role.members} people have it" if role else "it is made, and nobody has it yet"
        lines = [f"The role {content['name']} has {len(content['permissions'])} permissions from then on; {whom}."]
        if sorted(_permissions_of(content["name"])) != content["from"]:
            lines.append("It cannot be carried out: the role was changed since it was asked for.")
        return lines

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        content: dict[str, Any] = approval.content
        _not_ones_own_role(actor, content["name"])
        if sorted(_permissions_of(content["name"])) != content["from"]:
            raise RolesMoved("The role was changed since this was asked for; ask anew.")
        require(get_staff_actor(int(approval.requested_by.removeprefix("staff:"))), EDIT_ROLE, None, at)
        set_role_permissions(
            name=content["name"],
            description=content["description"],
            permissions=content["permissions"],
            actor=actor,
            at=at,
        )
        return str(content["name"])

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Nobody waits for it."""
