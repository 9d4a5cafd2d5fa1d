"""The back office as people use it: log in, watch, find a player, act; and what axe finds on its pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from events.ports import get_consumer, list_consumers
from events.services.consuming import Runner
from kernel import clock
from players.selectors import list_restrictions
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.browser.conftest import Server, log_in
from tests.factories import ACTOR, bet, fund, make_game, make_player

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}


def consume() -> None:
    for consumer in list_consumers():
        Runner(get_consumer(consumer.name)).drain(clock.now())


@pytest.fixture
def player() -> PlayerDetails:
    make_game()
    someone = make_player(login="annakeller", first_name="Anna", last_name="Keller", at=clock.now())
    fund(someone.id, "80.00", at=clock.now())
    bet(someone.id, "12.50", at=clock.now())
    consume()
    return someone


def test_home_follows_what_happens_without_loading_again(page: Page, player: PlayerDetails) -> None:
    log_in(page)
    ggr = page.locator("[data-tile=ggr] [data-text]")
    expect(ggr).to_have_text("12.50")
    expect(page.locator("#home-live")).to_have_attribute("data-state", "open")
    bet(player.id, "7.50", at=clock.now())
    consume()
    expect(ggr).to_have_text("20.00", timeout=10_000)
    expect(page.locator("#home-live")).to_have_text(re.compile(r"Live, as of \d\d:\d\d:\d\d"))


def test_home_says_that_the_line_is_lost_and_finds_it_again(page: Page, player: PlayerDetails, server: Server) -> None:
    log_in(page)
    live = page.locator("#home-live")
    expect(live).to_have_attribute("data-state", "open")
    server.stop()
    expect(live).to_have_attribute("data-state", "lost", timeout=10_000)
    expect(live).to_contain_text("Connection lost, figures of")
    server.start()
    expect(live).to_have_attribute("data-state", "open", timeout=20_000)


def test_a_player_is_found_from_the_keyboard_and_read_tab_by_tab(page: Page, player: PlayerDetails) -> None:
    log_in(page)
    expect(page.locator("#home-live")).to_have_attribute("data-state", "open")
    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type("annak", delay=20)
    page.get_by_text("annakeller").and_(page.locator("#command-results *")).first.click()
    expect(page.get_by_role("heading", name="annakeller", exact=True)).to_be_visible()
    for tab, words in {
        "Wallet": "67.50",
        "Loyalty": "EUR to Silver",
        "Restrictions": "Nothing is restricted",
        "Timeline": "Bet 12.50 EUR on fruits",
        "Overview": "Anna Keller",
    }.items():
        page.get_by_role("navigation", name="Tabs of the player").get_by_role("link", name=tab).click()
        expect(page.get_by_text(words).first).to_be_visible()
        expect(page.locator(".pms-tabs [aria-current=page]")).to_have_text(tab)


def test_times_are_the_viewers_and_utc_on_hover(page: Page, player: PlayerDetails) -> None:
    late = make_player(login="night-owl", at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    log_in(page)
    page.goto(f"/admin/players/player/{late.id}/change/")
    registered = page.locator(".pms-figure time")
    expect(registered).to_have_text("2 Jul 2026, 00:30")
    expect(registered).to_have_attribute("title", "2026-07-01 22:30:00 UTC")


def test_a_restriction_is_imposed_and_lifted_by_its_forms(page: Page, player: PlayerDetails) -> None:
    log_in(page)
    page.goto(f"/admin/players/player/{player.id}/change/")
    page.get_by_role("link", name="Restrict", exact=True).click()
    page.get_by_label("Restriction").select_option("play_block")
    page.get_by_label("Reason").fill("Bot suspected")
    page.get_by_role("button", name="Show what it will do").click()
    expect(page.get_by_text("can't place bets")).to_be_visible()
    page.get_by_role("button", name="Impose: Play block").dblclick()
    expect(page.get_by_text("Play block is in force for annakeller.")).to_be_visible()
    assert len(list_restrictions(player.id)) == 1
    page.get_by_role("link", name="Lift Play block").click()
    page.get_by_label("Reason").fill("A person after all")
    page.get_by_role("button", name="Lift it").click()
    expect(page.get_by_text("Nothing is restricted")).to_be_visible()
    assert list_restrictions(player.id)[0].lift_reason == "A person after all"


@pytest.mark.rule(73)
def test_pages_have_no_faults_that_axe_finds_and_fit_their_window(
    page: Page, player: PlayerDetails, theme: str
) -> None:
    impose(
        player_id=player.id,
        kind=RestrictionKind.KYC_HOLD,
        reason="Documents missing",
        source="staff",
        actor=ACTOR,
        at=clock.now(),
    )
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    log_in(page)
    tabs = [
        f"/admin/players/player/{player.id}/tab/{key}/" for key in ("wallet", "loyalty", "restrictions", "timeline")
    ]
    forms = [f"/admin/players/player/{player.id}/{form}/" for form in ("impose", "status")]
    lists = [f"/admin/{path}/" for path in ("players/player", "wallet/transfer", "wallet/deposit", "events/event")]
    faults = []
    for address in [
        "/admin/",
        *lists,
        f"/admin/players/player/{player.id}/change/",
        *tabs,
        *forms,
        "/admin/events/consumercursor/",
    ]:
        page.goto(address)
        for violation in Axe().run(page, options=WCAG).response["violations"]:
            faults.append(f"{address}: {violation['id']}: {violation['nodes'][0]['html'][:120]}")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            faults.append(f"{address}: wider than its window")
    assert faults == []
