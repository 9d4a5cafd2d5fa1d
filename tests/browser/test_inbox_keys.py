"""The payments inbox from the keyboard: walk, choose, take in hand, open; and keys that are switched off stay off."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from kernel import clock
from tests.browser.conftest import log_in
from tests.factories import make_player
from tests.wallet.payments import pay_in, withdraw
from wallet.models_payments import Withdrawal

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]

INBOX = "/admin/wallet/withdrawal/"


@pytest.fixture
def waiting() -> list[UUID]:
    """Three withdrawals to review, the oldest first."""
    found = []
    for hours in (3, 2, 1):
        at = clock.now() - timedelta(hours=hours)
        player = make_player(at=at)
        pay_in(player.id, "500.00", at=at)
        found.append(withdraw(player.id, "400.00", at=at).id)
    return found


def hands() -> list[bool]:
    return [bool(row.claimed_by) for row in Withdrawal.objects.order_by("requested_at")]


def row(withdrawal_id: UUID) -> str:
    return f'tr[data-open*="{withdrawal_id}"]'


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.closest('tr[data-open]')?.dataset.open ?? ''"))


def test_walk_choose_claim_and_open(page: Page, waiting: list[UUID]) -> None:
    log_in(page)
    page.goto(INBOX)
    page.keyboard.press("j")
    assert str(waiting[0]) in focused(page)
    for _ in range(5):  # the last row is the end
        page.keyboard.press("j")
    assert str(waiting[2]) in focused(page)
    page.keyboard.press("k")
    assert str(waiting[1]) in focused(page)
    page.keyboard.press("x")
    expect(page.locator(f"{row(waiting[1])} input[type=checkbox]")).to_be_checked()
    page.keyboard.press("c")
    expect(page.get_by_text("yours").first).to_be_visible()
    assert hands() == [False, True, False]
    page.goto(INBOX)
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(f"**{INBOX}{waiting[0]}/change/")


def test_next_claims_the_oldest_and_a_slash_searches(page: Page, waiting: list[UUID]) -> None:
    log_in(page)
    page.goto(INBOX)
    page.keyboard.press("/")
    expect(page.get_by_label("Player or withdrawal")).to_be_focused()
    page.keyboard.type("njk")  # letters in a field are letters
    expect(page.get_by_label("Player or withdrawal")).to_have_value("njk")
    assert hands() == [False, False, False]
    page.get_by_role("button", name="Keys").focus()
    page.keyboard.press("n")
    page.wait_for_url(f"**{INBOX}{waiting[0]}/**")
    assert hands() == [True, False, False]


def test_the_list_of_keys_opens_and_switches_them_off(page: Page, waiting: list[UUID]) -> None:
    log_in(page)
    page.goto(INBOX)
    page.keyboard.press("?")
    keys = page.locator("#pms-keys")
    expect(keys).to_be_visible()
    keys.locator("#pms-keys-off").check()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("j")
    assert focused(page) == ""
    page.reload()
    page.keyboard.press("j")
    assert focused(page) == ""


def test_filters_and_buttons_stand_in_one_row(page: Page, waiting: list[UUID]) -> None:
    log_in(page)
    page.goto(INBOX)
    boxes = [
        one.bounding_box() for one in page.locator(".pms-queue :is(input:not([type=hidden]), select, button)").all()
    ]
    tops = [box["y"] + box["height"] / 2 for box in boxes if box]
    assert len(tops) >= 7
    assert max(tops) - min(tops) <= 2
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
