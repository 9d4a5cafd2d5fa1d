"""Staff for tests of the back office: clients that are logged in with one of the shipped roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY

from kernel import clock
from kernel.actors import system
from kernel.reauthentication import SESSION_KEY
from players.models_access import Role
from players.services.staff import ensure_staff
from players.services.staff_devices import ensure_sso_device
from players.services.staff_providers import save_provider, set_provider_secret
from players.services.staff_sessions import open_session
from players.types_staff import ProviderSettings
from pms.roles import ROLES, ensure_roles
from tests.factories import AT


def staff_id(role: str) -> int:
    """A member of staff with this one role."""
    _seed_roles()
    return ensure_staff(login=f"{role}-1", email=f"{role}@example.com", password="long enough 1", roles=[role], at=AT)


def _seed_roles() -> None:
    """The shipped roles, in a new database by a few statements: most tests begin here."""
    if not Role.objects.exists():
        rows = Permission.objects.values_list("pk", "content_type__app_label", "codename")
        known = {f"{app}.{code}": pk for pk, app, code in rows}
        groups = Group.objects.bulk_create(Group(name=name) for name in ROLES)
        Role.objects.bulk_create(Role(group=group, shipped=True, changed_by="test", changed_at=AT) for group in groups)
        given = Group.permissions.through
        given.objects.bulk_create(
            given(group=group, permission_id=known[code]) for group in groups for code in ROLES[group.name]
        )
    ensure_roles()


def staff_client(role: str) -> Client:
    """A browser in which somebody with this role is logged in."""
    return client_of(staff_id(role))


def client_of(user_id: int) -> Client:
    """A browser in which this member of staff is logged in, verified by a second factor a moment ago."""
    client, at = Client(), clock.now()
    client.force_login(get_user_model().objects.get(pk=user_id))
    device = ensure_sso_device(user_id=user_id, provider="tests", at=at)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = f"players.staffdevice/{device}"
    session[SESSION_KEY] = at.isoformat()
    session.save()
    open_session(
        user_id=user_id, session_key=session.session_key, method="tests", ip="127.0.0.1", user_agent="tests", at=at
    )
    return client


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined,no-any-return]


def make_provider(*, roles: Mapping[str, str], secret: str = "", **data: Any) -> None:
    """An identity provider with these settings (ProviderSettings), as if two people had seen to it."""
    boss = system("test")
    save_provider(data=ProviderSettings(**data, roles=frozenset(roles.items())), actor=boss, at=AT)
    if secret:
        set_provider_secret(slug=data["slug"], secret=secret, actor=boss, at=AT)
