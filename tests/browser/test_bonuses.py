"""An offer is built; codes, lists and cost are looked at; without a fault that axe finds."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from bonuses.models import Code, Offer
from bonuses.selectors import list_grants, list_versions
from bonuses.services.grants import grant
from bonuses.services.lists import work_lists
from kernel import clock
from tests.bonuses.offers import GIFT, live_offer, work
from tests.browser.conftest import log_in
from tests.browser.test_audit import faults
from tests.factories import ACTOR, bet, fund, make_game, make_player

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]


def test_an_offer_is_built(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    log_in(page, "marketing_manager")
    page.goto("/admin/bonuses/offer/")
    page.get_by_role("link", name="New offer").click()
    expect(page.get_by_label("Spins", exact=True)).to_be_hidden()
    page.get_by_label("Code", exact=True).fill("spring-spins")
    page.get_by_label("Name", exact=True).fill("Spins for spring")
    page.get_by_label("Title in English").fill("Twenty spins")
    page.get_by_label("Occasion").select_option("deposit")
    expect(page.get_by_label("Number of the deposit")).to_be_visible()
    page.get_by_label("Kind").select_option("free_spins")
    expect(page.get_by_label("Amount", exact=True)).to_be_hidden()
    page.get_by_label("Spins", exact=True).fill("20")
    page.get_by_label("Value of a spin").fill("twenty cents")
    assert faults(page) == []
    page.get_by_role("button", name="Show what it says").click()
    expect(page.get_by_text("Write amounts as 100.00 EUR, ")).to_be_visible()
    expect(page.get_by_label("Spins", exact=True)).to_have_value("20")
    assert faults(page) == []
    page.get_by_label("Value of a spin").fill("0.20 EUR, 2 SEK")
    page.get_by_role("button", name="Show what it says").click()
    expect(page.get_by_text("20 free spins worth 0.20 EUR / 2 SEK each").first).to_be_visible()
    assert faults(page) == []
    assert not Offer.objects.exists()
    page.get_by_role("button", name="Save as a version").click()
    expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Ask for its release").click()
    assert faults(page) == []
    page.get_by_label("For the second person").fill("Campaign of spring")
    page.locator("button[data-kind=primary]").click()
    expect(page.get_by_text("It waits for a second person")).to_be_visible()
    assert list_versions("spring-spins")[0].state == "waiting"


def test_a_bonus_is_given_once_however_often_is_clicked(page: Page) -> None:
    live_offer(GIFT, code="thanks")
    player = make_player()
    log_in(page, "support_lead")
    page.goto(f"/admin/players/player/{player.id}/tab/bonuses/")
    page.get_by_role("link", name="Give a bonus").click()
    page.get_by_label("Offer").select_option("thanks")
    page.get_by_role("button", name="Show what it gives").click()
    page.get_by_role("button", name="Give it now").dblclick()
    expect(page.get_by_text("Given: see below.")).to_be_visible()
    expect(page.get_by_text("0.00 / 50.00 EUR")).to_be_visible()
    assert len(list_grants(player.id)) == 1


def test_codes_lists_and_cost(page: Page, theme: str) -> None:
    make_game()
    at = clock.now()
    live_offer(GIFT, code="flyers", trigger={"kind": "code"})
    live_offer(GIFT, code="thanks", eligibility={"jurisdictions": ["DE"]})
    here, there = make_player(login="anna"), make_player(login="otto", country="AT")
    fund(here.id, "100.00", at=at)
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    log_in(page, "marketing_manager")

    page.goto("/admin/bonuses/codebatch/")
    assert faults(page) == []
    page.get_by_role("link", name="New codes").click()
    page.get_by_label("Name", exact=True).fill("Flyers of March")
    assert faults(page) == []
    page.get_by_label("How many").fill("500")
    page.get_by_role("button", name="Make them").click()
    page.get_by_role("link", name="Flyers of March").click()
    assert faults(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the codes").click()
    assert download.value.path().read_bytes().count(b"\r\n") == 1 + Code.objects.count() == 501
    page.get_by_role("link", name="Close …").click()
    page.get_by_label("Why").fill("Left in a tram")
    assert faults(page) == []
    page.get_by_role("button", name="Close them").click()
    expect(page.get_by_text("none of these codes works any more")).to_be_visible()

    page.goto("/admin/bonuses/listaward/")
    assert faults(page) == []
    page.get_by_role("link", name="Give an offer to a list").click()
    page.get_by_label("Offer").select_option("thanks")
    page.get_by_label("What the list is").fill("Came back in March")
    file = {"name": "players.csv", "mimeType": "text/csv", "buffer": b"anna\notto\nnobody-here\n"}
    page.get_by_label("File").set_input_files([file])  # type: ignore[list-item]
    assert faults(page) == []
    page.get_by_role("button", name="Show who is on it").click()
    expect(page.get_by_text("2 players get the offer")).to_be_visible()
    expect(page.get_by_text("nobody-here")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Give it to them").click()
    page.get_by_role("link", name="Came back in March").click()
    expect(page.get_by_text("0 %")).to_be_visible()
    work_lists(at=at)
    expect(page.get_by_text("100 %")).to_be_visible()  # the page asks by itself
    assert faults(page) == []
    assert [len(list_grants(player.id)) for player in (here, there)] == [1, 0]

    grant(offer="flyers", player_id=there.id, occasion="x", actor=ACTOR, at=at)
    bet(here.id, "50.00", at=at)
    work()
    page.goto("/admin/bonuses/offer/costs/")
    expect(page.get_by_role("cell", name="All in EUR")).to_be_visible()
    assert faults(page) == []
