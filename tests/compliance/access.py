"""Steps of tests about who may do what in the back office: people, what they ask for, who approves it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from compliance.services import approvals
from compliance.services.role_changes import change_staff_roles
from compliance.types import ApprovalDetails
from kernel.actors import Actor, system
from players.models import User
from players.selectors_access import get_staff_actor
from players.services.staff import ensure_staff
from tests.factories import AT
from tests.staff import staff_id

LATER = AT + timedelta(hours=1)
BOSS = system("test")


def actor(role: str) -> Actor:
    return get_staff_actor(staff_id(role))


def somebody(*roles: str, login: str = "somebody") -> int:
    staff_id("analyst")
    return ensure_staff(login=login, email=f"{login}@example.com", password="long enough 1", roles=roles, at=AT)


def ask_for_roles(staff: int, *roles: str, by: str = "administrator", key: str = "k") -> ApprovalDetails:
    found = change_staff_roles(
        staff_id=staff, roles=roles, comment="New in the team", idempotency_key=key, actor=actor(by), at=AT
    )
    assert found
    return found


def approve(found: ApprovalDetails, who: Actor, **more: Any) -> ApprovalDetails:
    return approvals.approve(
        approval_id=found.id, seen_digest=found.digest, comment="", actor=who, **{"at": LATER, **more}
    )


def staff_id_of(login: str) -> int:
    return int(User.objects.get(username=login).pk)
