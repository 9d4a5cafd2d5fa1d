"""The tab of limits, the forms of staff and the queue of raises; without a fault that axe finds."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from compliance.services.limits import set_limit
from compliance.types_limits import LimitKind, LimitPeriod, Wanted
from kernel import clock
from kernel.actors import system
from kernel.money import Money
from tests.browser.conftest import log_in
from tests.browser.test_audit import faults
from tests.compliance.packs_in_force import put_in_force
from tests.factories import fund, make_player

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]
K, P = LimitKind, LimitPeriod


def test_limits_are_seen_set_and_decided(page: Page, theme: str) -> None:
    put_in_force("NL", "2024-10-01", "limits.")
    at = clock.now()
    player = make_player(country="NL", login="dejong", at=at - timedelta(days=40), birth_date=date(1980, 5, 1))

    def wish(kind: LimitKind, period: LimitPeriod, amount: str = "", minutes: int | None = None) -> None:
        wanted = Wanted(kind, period, Money.parse(amount, "EUR") if amount else None, minutes)
        set_limit(player_id=player.id, wanted=wanted, actor=system("test"), at=at)

    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    log_in(page, "compliance_officer")
    tab = f"/admin/players/player/{player.id}/tab/limits/"
    page.goto(tab)
    expect(page.get_by_text("Play is refused until the player sets")).to_be_visible()
    assert faults(page) == []
    wish(K.DEPOSIT, P.MONTH, "300.00")
    wish(K.LOGIN_TIME, P.WEEK, minutes=600)
    wish(K.BALANCE, P.NONE, "2000.00")
    fund(player.id, "120.00", at=at)
    wish(K.DEPOSIT, P.MONTH, "900.00")
    page.goto(tab)
    expect(page.get_by_role("cell", name="180.00 EUR")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Set a limit").click()
    page.get_by_label("Amount").fill("50.00")
    page.get_by_label("Period").select_option("day")
    page.get_by_label("Reason").fill("Asked for by the municipality")
    assert faults(page) == []
    page.get_by_role("button", name="Set the limit").click()
    expect(page.get_by_text("The limit is in force.")).to_be_visible()
    expect(page.get_by_text("Deposits per day").first).to_be_visible()
    page.get_by_role("link", name="Deposits per month").click()
    assert faults(page) == []
    page.get_by_role("link", name="Let it through").click()
    page.get_by_label("Reason").fill("Called: payslips seen")
    page.get_by_role("button", name="Let the limit through").click()
    expect(page.get_by_text("The raise goes on.")).to_be_visible()
    page.goto("/admin/compliance/limitchange/")
    expect(page.get_by_role("link", name="Deposits per month")).to_be_visible()
    assert faults(page) == []
