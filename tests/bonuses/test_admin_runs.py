"""Simulations and dry runs in the back office: asked for, watched, read; and their plots."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.utils.html import strip_tags
from lxml import etree

from bonuses.models import OfferVersion
from bonuses.models_runs import OfferRun
from bonuses.services.simulation import work_runs
from bonuses.templatetags.bonuses_plots import completion_plot, cost_plot
from kernel import clock
from tests.bonuses.offers import GIFT, live_offer
from tests.factories import fund, make_player
from tests.staff import staff_client

pytestmark = pytest.mark.usefixtures("db")
LIST = "/admin/bonuses/offerrun/"
WISHES = {
    "players": "1000", "currency": "EUR", "category": "slots", "rtp": "0.96", "volatility": "5", "stake_percent": "2",
    "bets_per_day": "200", "seed": "3",
}  # fmt: skip


def words(answer: HttpResponse) -> str:
    return " ".join(strip_tags(answer.content.decode()).split())


@pytest.fixture
def version() -> OfferVersion:
    return OfferVersion.objects.get(offer_id=live_offer(GIFT, trigger={"kind": "deposit"}).id)


def test_a_simulation_is_asked_for_watched_and_read_with_the_version(version: OfferVersion) -> None:
    client = staff_client("marketing_manager")
    assert "Simulate" in words(client.get(f"/admin/bonuses/offer/{version.offer_id}/change/"))
    assert client.get(f"{LIST}new/{version.id}/").status_code == 200
    answer = client.post(f"{LIST}new/{version.id}/", WISHES)
    assert answer.status_code == 302, words(answer)
    page = answer["Location"]
    assert 'hx-select="#run"' in client.get(page).content.decode()
    assert work_runs(at=clock.now()) == 1
    read = client.get(page)
    assert 'hx-select="#run"' not in read.content.decode()
    assert read.content.count(b"<svg") >= 2
    simulated = OfferVersion.objects.get().simulation
    assert simulated is not None
    for path in (page, f"/admin/bonuses/offer/{version.offer_id}/change/"):
        text = words(client.get(path))
        assert f"{simulated['mean']} EUR" in text
        assert "1,000 made-up players, seed 3" in text
    assert "deposits assumed" in words(read)
    assert "Simulation" in words(client.get(LIST))


def test_a_wrong_wish_is_told_at_its_field(version: OfferVersion) -> None:
    answer = staff_client("marketing_manager").post(f"{LIST}new/{version.id}/", WISHES | {"players": "5", "rtp": "x"})
    assert answer.status_code == 200
    assert "Enter a number." in words(answer)
    answer = staff_client("marketing_manager").post(f"{LIST}new/{version.id}/", WISHES | {"players": "5"})
    assert "From 1,000 to 1,000,000." in words(answer)
    assert not OfferRun.objects.exists()


def test_a_dry_run_says_who_would_have_got_it_and_why_others_not(version: OfferVersion, settings: Any) -> None:
    settings.PLAYER_CURRENCIES = ["EUR", "SEK"]
    client = staff_client("loyalty_admin")
    fund(make_player().id, "20.00", at=clock.now())
    fund(make_player(currency="SEK").id, "200.00", currency="SEK", at=clock.now())
    today = f"{clock.now():%Y-%m-%d}"
    answer = client.post(f"{LIST}new/{version.id}/", {"dry_run": "1", "since": today, "until": today})
    work_runs(at=clock.now())
    text = words(client.get(answer["Location"]))
    assert "1 bonuses for 1 players, at most 10.00 EUR" in text
    assert "Currency 1 1" in text
    assert "another bonus" in text


def test_by_hand_it_says_that_history_knows_nothing() -> None:
    client = staff_client("loyalty_admin")
    version_id = OfferVersion.objects.get(offer_id=live_offer(GIFT).id).id
    answer = client.post(f"{LIST}new/{version_id}/", {"dry_run": "1", "since": "2026-01-01", "until": "2026-01-31"})
    work_runs(at=clock.now())
    assert "History knows no occasions" in words(client.get(answer["Location"]))


def simulated(**changes: Any) -> dict[str, Any]:
    return {
        "wanted": {"players": 10, "currency": "EUR"},
        "histogram": [{"from": f"{n}.00", "to": f"{n + 1}.00", "players": n} for n in range(24)],
        "completion": [{"day": str(n), "percent": str(n * 2)} for n in range(1, 31)],
        **changes,
    }


def test_plots_are_drawn_within_their_frame_to_scale() -> None:
    bars = [node.attrib for node in etree.fromstring(cost_plot(simulated())) if node.tag == "rect"]
    heights = [float(bar["height"]) for bar in bars]
    assert len(bars) == 24
    assert heights[0] == 0
    assert max(heights) == heights[23] == pytest.approx(23 * heights[1], abs=1.5)
    assert all(float(bar["x"]) >= 0 and float(bar["x"]) + float(bar["width"]) <= 640 for bar in bars)
    (line,) = [node for node in etree.fromstring(completion_plot(simulated())) if node.tag == "polyline"]
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)


def test_a_plot_of_nothing_is_still_a_plot() -> None:
    nothing = simulated(
        histogram=[{"from": "0.00", "to": "0.00", "players": 0}] * 24,
        completion=[{"day": "30", "percent": "0.0"}],
    )
    assert etree.fromstring(cost_plot(nothing)).tag == "svg"
    assert etree.fromstring(completion_plot(nothing)).tag == "svg"
