"""Staff for tests of the back office: clients that are logged in with one of the shipped roles."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.test import Client

from players.services.staff import ensure_staff
from pms.roles import ensure_roles
from tests.factories import AT


def staff_id(role: str) -> int:
    """A member of staff with this one role."""
    ensure_roles()
    return ensure_staff(login=f"{role}-1", email=f"{role}@example.com", password="long enough 1", roles=[role], at=AT)


def staff_client(role: str) -> Client:
    """A browser in which somebody with this role is logged in."""
    client = Client()
    client.force_login(get_user_model().objects.get(pk=staff_id(role)))
    return client


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined,no-any-return]
