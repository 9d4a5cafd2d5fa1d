"""Simulations and dry runs, light and dark: asked for, read, nothing wider than the window."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from bonuses.models import OfferVersion
from bonuses.services.simulation import work_runs
from kernel import clock
from tests.bonuses.offers import MATCH, live_offer
from tests.browser.conftest import log_in
from tests.browser.test_audit import faults
from tests.factories import fund, make_player

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]


def test_a_simulation_and_a_dry_run_are_asked_for_and_read(page: Page, theme: str) -> None:
    for amount in ("5.00", "50.00", "200.00"):
        fund(make_player().id, amount, at=clock.now())
    offer = live_offer(MATCH)
    version = OfferVersion.objects.get(offer_id=offer.id)
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    log_in(page, "marketing_manager")
    page.goto(f"/admin/bonuses/offerrun/new/{version.id}/")
    assert faults(page) == []
    page.get_by_label("Players", exact=True).fill("5000")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    work_runs(at=clock.now())
    expect(page.get_by_role("img", name="Cost by player")).to_be_visible()
    assert faults(page) == []
    page.goto(f"/admin/bonuses/offerrun/new/{version.id}/")
    page.get_by_label("Last day (UTC), included").fill(f"{clock.now():%Y-%m-%d}")
    page.get_by_role("button", name="Run dry").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    work_runs(at=clock.now())
    expect(page.get_by_text("Deposit too small")).to_be_visible()
    assert faults(page) == []
