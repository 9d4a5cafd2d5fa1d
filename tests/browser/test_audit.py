"""Personal data revealed in place, found on the audit trail; without a fault that axe finds."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in
from tests.browser.test_back_office import WCAG
from tests.factories import make_player

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]


def faults(page: Page) -> list[str]:
    return [fault["id"] for fault in Axe().run(page, options=WCAG).response["violations"]]


def test_contact_is_revealed_in_place_and_who_looked_is_known(page: Page, theme: str) -> None:
    player = make_player(login="annakeller", email="anna.keller@example.com")
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    log_in(page, "support_agent")
    page.goto(f"/admin/players/player/{player.id}/change/")
    expect(page.get_by_text("a•••@e•••")).to_be_visible()
    page.get_by_role("link", name="Reveal: Email and phone").click()
    page.get_by_label("Reason").fill("Ticket 12: cannot log in")
    assert faults(page) == []
    page.get_by_role("button", name="Reveal email and phone").click()
    expect(page.get_by_text("anna.keller@example.com")).to_be_visible()
    expect(page.get_by_text("Revealed until")).to_be_visible()
    assert faults(page) == []
    page.context.clear_cookies()
    log_in(page, "auditor")
    page.goto(f"/admin/players/player/{player.id}/tab/audit/")
    expect(page.get_by_text("Ticket 12: cannot log in").first).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Search and export").click()
    expect(page.get_by_role("cell", name="players.reveal")).to_be_visible()
    assert faults(page) == []
    page.locator("tbody a.pms-link").first.click()
    expect(page.get_by_text("What changed")).to_be_visible()
    assert faults(page) == []
