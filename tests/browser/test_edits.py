"""Two windows on one fee rule: the second is told, a draft that comes back is no answer, and saving again goes through."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in
from tests.wallet.purses import charge
from tests.wallet.test_admin_edits import mapping
from wallet.models_fees import FeeRule
from wallet.types_purses import FeeKind

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]

TOLD = "Somebody has changed this since you opened it: Game."


@pytest.mark.parametrize(("theme", "returns"), [("light", False), ("dark", True)])
def test_the_second_window_is_told(page: Page, theme: str, returns: bool) -> None:
    rule = charge(FeeKind.RAKE, percent="5")
    log_in(page, "finance")
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.goto(f"/admin/wallet/feerule/{rule.pk}/change/")
    page.locator("html[data-session]").wait_for()
    page.fill("input[name=game]", "fruits")
    page.wait_for_function("Object.keys(localStorage).some((name) => name.startsWith('pms-draft:'))")
    FeeRule.objects.filter(pk=rule.pk).update(game="wheel")
    if returns:  # the window was closed, or its session has ended
        page.reload()
        expect(page.get_by_text("is here again")).to_be_visible()
    save = page.locator("button[name=_save], input[name=_save]")
    save.click()
    expect(page.get_by_text(TOLD)).to_be_visible()
    expect(page.get_by_text("Changed meanwhile, from “” to “wheel”.")).to_be_visible()
    expect(page.locator("input[name=game]")).to_have_value("fruits")
    save.click()
    expect(page).to_have_url("/admin/wallet/feerule/")
    assert FeeRule.objects.get().game == "fruits"


def test_a_draft_has_the_boxes_as_they_were_ticked(page: Page) -> None:
    address, _, _ = mapping()
    log_in(page, "finance")
    page.goto(address)
    page.locator("html[data-session]").wait_for()
    page.get_by_label("Payouts").check()
    page.wait_for_function("Object.keys(localStorage).some((name) => name.startsWith('pms-draft:'))")
    page.reload()
    expect(page.get_by_text("is here again")).to_be_visible()
    for name, ticked in (("Deposits", True), ("Payouts", True), ("Chargebacks", False), ("Returns", False)):
        expect(page.get_by_label(name)).to_be_checked(checked=ticked)
