"""Every role at every address of the back office: allowed as the table says, all else denied, and nothing changed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from channels.routing import URLRouter
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory
from django.urls import reverse

from pms.asgi import application
from pms.roles import ROLES
from tests.pms.access_table import CLOSED, OPEN_ADDRESSES, SOCKETS, read_table
from tests.pms.access_world import Views, World, admin_pages, everything_stored, other_addresses
from tests.staff import staff_client

TABLE = read_table()
# What would be done if it were allowed.
DEED = {"reason": "x", "comment": "x", "confirmed": "1", "grace": "0", "staff": "1", "name": "x"}
DENIED, CLOSED_ANSWERS = {403}, {403, 404, 405}
# What is around every page alike (session, second factor, note on the trail) is tried at each page in two roles only.
THROUGH_EVERYTHING = {"integrator", "administrator"}


@pytest.fixture(scope="module")
def world(module_db: None) -> World:
    return World()


@pytest.fixture(autouse=True)
def _no_log_of_denials() -> Iterator[None]:
    logging.disable(logging.WARNING)  # hundreds, each with its traceback
    yield
    logging.disable(logging.NOTSET)


def roles_of(page: str) -> tuple[set[str], set[str]]:
    if page not in TABLE and page.endswith(CLOSED):
        return set(), set()
    return TABLE[page]


def test_every_page_has_a_rule_and_every_rule_a_page() -> None:
    pages = {name for name, _ in admin_pages()}
    without = sorted(page for page in pages if page not in TABLE and not page.endswith(CLOSED))
    assert without == [], "say in tests/pms/access_table.py who may open these"
    assert sorted(TABLE.keys() - pages) == [], "the table names pages that are not there"
    assert {role for read, act in TABLE.values() for role in read | act} == ROLES.keys()


def test_every_other_address_is_known() -> None:
    assert set(other_addresses()) == OPEN_ADDRESSES


def test_every_socket_is_known() -> None:
    inner: Any = application.application_mapping["websocket"]
    while not isinstance(inner, URLRouter):
        inner = getattr(inner, "application", None) or inner.inner
    assert {str(route.pattern) for route in inner.routes} == SOCKETS


def test_no_list_has_bulk_actions_of_djangos_own() -> None:
    request = RequestFactory().get("/")
    request.user = get_user_model()(is_superuser=True, is_staff=True)
    named = {name for model_admin in admin.site._registry.values() for name in model_admin.actions or ()}
    assert named == set(), "bulk actions are pages of their own, and stand in the table"


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.rule(72)
def test_a_role_opens_and_does_what_the_table_says(role: str, world: World) -> None:
    asked = staff_client(role)
    asked.raise_request_exception = False
    if role not in THROUGH_EVERYTHING:
        asked = Views(asked)
    pages = [(name, reverse(f"admin:{name}", kwargs=world.arguments(name, parts))) for name, parts in admin_pages()]
    wrong: list[tuple[str, str, int]] = []

    before = everything_stored()
    for name, address in pages:
        read, act = roles_of(name)
        denied = DENIED if read else CLOSED_ANSWERS
        if role not in read and (status := asked.get(address).status_code) not in denied:
            wrong.append((name, "opens", status))
        if role not in act and (status := asked.post(address, DEED).status_code) not in denied | {405}:
            wrong.append((name, "does", status))
    after = everything_stored()
    assert wrong == [], "denied by the table"
    assert {name for name in after if after[name] != before[name]} == set(), "a denied request changed something"

    for name, address in pages:
        if role in roles_of(name)[0] and name != "logout":
            status = asked.get(address).status_code
            if status == 403 or status >= 500:
                wrong.append((name, "does not open", status))
    assert wrong == [], "allowed by the table"


def test_nobody_who_is_not_staff_opens_anything(world: World) -> None:
    players_browser = Client(raise_request_exception=False)
    players_browser.force_login(get_user_model().objects.get(username=world.player.login))
    before = everything_stored()
    for browser in (Client(), players_browser):
        for name, parts in admin_pages():
            if name.startswith(("login", "reauthenticate")) or name in ("logout", "jsi18n"):
                continue
            address = reverse(f"admin:{name}", kwargs=world.arguments(name, parts))
            for answer in (browser.get(address), browser.post(address, DEED)):
                assert answer.status_code in (302, 401, 403, 404, 405), name
                if answer.status_code == 302:
                    assert "/admin/login/" in answer["Location"], name
    after = everything_stored()
    assert {name for name in after if after[name] != before[name]} == set()
