"""Why something was refused, and the inbox of review cases, as compliance uses them."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from compliance.models_limits import Limit
from compliance.selectors_cases import list_cases
from compliance.services.cases import open_case
from compliance.services.play_gate import refresh
from compliance.types_cases import CaseKind, CaseState
from compliance.types_gate import LONG_AGO
from compliance.types_limits import LimitKind, LimitPeriod, SetBy
from kernel import clock
from players.types import PlayerDetails
from tests.browser.conftest import log_in
from tests.browser.test_back_office import WCAG
from tests.factories import ACTOR, bet, fund, make_game, make_player

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]


@pytest.fixture
def player() -> PlayerDetails:
    make_game()
    at = clock.now()
    someone = make_player(login="annakeller", first_name="Anna", last_name="Keller", at=at)
    fund(someone.id, "80.00", at=at)
    for kind, period, amount in (
        (LimitKind.LOSS, LimitPeriod.DAY, 2_000),
        (LimitKind.WAGERING, LimitPeriod.ROLLING_7D, 9_000),
    ):
        Limit.objects.create(
            player_id=someone.id,
            kind=kind,
            period=period,
            amount_minor=amount,
            set_by=SetBy.PLAYER,
            active_from=LONG_AGO,
        )
    refresh(player_id=someone.id, at=at)
    bet(someone.id, "12.50", at=at)
    bet(someone.id, "12.50", at=at)
    facts = {"kind": "deposit", "period": "month", "limit": {"amount": "12000.00", "currency": "SEK"}}
    open_case(kind=CaseKind.LIMIT_CONTACT, player_id=someone.id, facts=facts, key="one", actor=ACTOR, at=at)
    late = at - timedelta(days=1)
    open_case(kind=CaseKind.EXCLUSION_MATCH, player_id=someone.id, facts={}, key="two", actor=ACTOR, at=late)
    return someone


@pytest.mark.parametrize("role", ["compliance_officer"])
def test_a_refusal_is_explained_and_a_case_is_worked(page: Page, player: PlayerDetails, theme: str, role: str) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    log_in(page, role)
    faults: list[str] = []

    def look(name: str) -> None:
        for violation in Axe().run(page, options=WCAG).response["violations"]:
            faults.append(f"{name}: {violation['id']}: {violation['nodes'][0]['html'][:120]}")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            faults.append(f"{name}: wider than its window")
        if folder := os.environ.get("PMS_PICTURES"):
            page.screenshot(path=f"{folder}/{name}-{theme}.png", full_page=True)

    page.goto(f"/admin/players/player/{player.id}/tab/refusals/")
    expect(page.get_by_text("Limit reached").first).to_be_visible()
    expect(page.get_by_text("12.50EUR of 20.00EUR")).to_be_visible()
    look("refusals")
    page.goto("/admin/compliance/gatedecision/")
    look("decisions")
    page.locator("#result_list a.pms-link").first.click()
    expect(page.get_by_text("A limit of the player is reached")).to_be_visible()
    look("decision")

    page.goto("/admin/compliance/reviewcase/")
    expect(page.get_by_text("1 late")).to_be_visible()
    look("cases")
    page.get_by_role("button", name="Take the next").click()
    expect(page.get_by_text("It is in your hands.")).to_be_visible()
    look("case")
    page.get_by_label("Why").fill("Another person of the same name.")
    page.get_by_role("button", name="Resolve it").click()
    expect(page.get_by_text("What came of it is kept.")).to_be_visible()
    assert [case.kind for case in list_cases()] == [CaseKind.LIMIT_CONTACT]
    assert {case.state for case in list_cases(open_only=False)} == {CaseState.OPEN, CaseState.RESOLVED}
    assert faults == []
