"""Four eyes, as two people do it: one asks, the other proves who they are, reads the difference and decides."""

from __future__ import annotations

import time
from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from kernel import clock
from kernel.reauthentication import SESSION_KEY
from players.selectors_access import get_staff
from players.selectors_staff import find_provider
from players.services.staff import ensure_staff
from players.services.staff_devices import begin_totp, confirm_totp
from pms.runtime.demo import totp
from tests.browser.conftest import log_in
from tests.browser.test_staff_login import faults
from tests.factories import AT
from tests.staff import staff_id

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]


def an_hour_passes(page: Page) -> None:
    """The last proof of who is there has become old; the session goes on."""
    cookie = next(row for row in page.context.cookies() if row.get("name") == settings.SESSION_COOKIE_NAME)
    session = import_module(settings.SESSION_ENGINE).SessionStore(cookie.get("value"))
    session[SESSION_KEY] = (clock.now() - timedelta(minutes=60)).isoformat()
    session.save()


def with_app(role: str) -> str:
    """This role's member of staff gets an authenticator app; its secret."""
    before = clock.now() - timedelta(minutes=5)
    secret = begin_totp(user_id=staff_id(role), at=before)
    confirm_totp(user_id=staff_id(role), code=totp(secret, before.timestamp()), name="Phone", at=before)
    return secret


def test_roles_are_asked_for_read_and_approved(page: Page, theme: str) -> None:
    newcomer, secret = ensure_newcomer(), with_app("compliance_officer")
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]

    log_in(page, "administrator")
    page.goto(f"/admin/auth/group/staff/{newcomer}/")
    page.get_by_label("Finance").check()
    page.get_by_label("Why").fill("New in finance")
    assert faults(page) == []
    page.get_by_role("button", name="Ask for these roles").click()
    expect(page.get_by_text("You asked for this: somebody else has to decide.")).to_be_visible()
    assert faults(page) == []
    approval = page.url
    assert get_staff(newcomer).roles == ("analyst",)
    page.context.clear_cookies()

    log_in(page, "compliance_officer")
    an_hour_passes(page)
    page.goto(approval)
    expect(page.get_by_text("newcomer has these roles from then on: analyst, finance")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="Role finance")
    expect(row.get_by_role("deletion")).to_have_text("no")
    expect(row.get_by_role("insertion")).to_have_text("yes")
    assert faults(page) == []
    page.get_by_role("button", name="Approve and carry out").click()

    expect(page.get_by_role("heading", name="Prove once more who you are")).to_be_visible()
    assert get_staff(newcomer).roles == ("analyst",), "not before they have proved who they are"
    assert faults(page) == []
    page.get_by_label("Code").fill(totp(secret, time.time()))
    page.get_by_role("button", name="It is me").click()
    page.wait_for_url(approval)
    page.get_by_role("button", name="Approve and carry out").click()
    expect(page.get_by_text("Approved and carried out.")).to_be_visible()
    expect(page.get_by_role("button", name="Reject")).to_have_count(0)
    assert faults(page) == []
    assert get_staff(newcomer).roles == ("analyst", "finance")


def test_a_way_to_sign_on_is_asked_for(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    log_in(page, "administrator")
    page.goto("/admin/players/identityprovider/")
    assert faults(page) == []
    page.get_by_role("link", name="New identity provider").click()
    page.get_by_label("Name").fill("Corp")
    page.get_by_label("Slug").fill("corp")
    page.get_by_label("Parameters").fill('{"server_url": "https://login.example.com"}')
    page.get_by_label("Groups and the roles they bring").fill("ops = nobody")
    page.get_by_label("Why").fill("Company login")
    assert faults(page) == []
    page.get_by_role("button", name="Ask for it").click()
    expect(page.get_by_text("There is no role nobody.")).to_be_visible()
    page.get_by_label("Groups and the roles they bring").fill("ops = operations")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.get_by_text("make sure that it is ours")).to_be_visible()
    assert faults(page) == []
    assert find_provider("corp") is None


def ensure_newcomer() -> int:
    staff_id("analyst")
    return ensure_staff(
        login="newcomer", email="newcomer@example.com", password="long enough 1", roles=["analyst"], at=AT
    )
