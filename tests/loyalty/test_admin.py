"""Loyalty's screens, and its tab of the player page."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from django.urls import reverse

from events.ports import get_consumer
from events.services.consuming import Runner
from kernel import clock
from loyalty.admin_panel import progress
from loyalty.selectors import find_level_order, get_standing, list_levels
from loyalty.services.points import add_points
from loyalty.services.redemptions import request_redemption
from tests.consumers import catch_up
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from tests.loyalty.programmes import with_items
from tests.staff import staff_client, text_of

pytestmark = pytest.mark.usefixtures("db")


def test_the_tab_shows_points_level_and_the_way_to_the_next_level() -> None:
    make_game()
    player = make_player(login="annakeller")
    fund(player.id, "5000.00")
    bet(player.id, "2500.00")
    Runner(get_consumer("loyalty.accrual")).drain(AT)
    shown = text_of(staff_client("loyalty_admin").get(reverse("admin:players_player_tab", args=[player.id, "loyalty"])))
    assert "2,500.00 EUR" in shown
    assert "7,500.00 EUR to Silver" in shown
    assert 'value="25"' in shown
    listed = text_of(staff_client("loyalty_admin").get("/admin/loyalty/standing/"))
    assert "annakeller" in listed
    assert "2,500.00 EUR" in listed


def test_progress_runs_from_this_levels_threshold_to_the_next_ones() -> None:
    levels = list_levels(AT)
    start = get_standing(make_player().id, AT)
    silver = replace(start, level=levels[1], next_level=levels[2])
    whole = levels[2].entry_eur - levels[1].entry_eur
    assert progress(start) == 0
    assert progress(replace(silver, to_next_eur=whole)) == 0
    assert progress(replace(silver, to_next_eur=whole / 2)) == 50
    assert progress(replace(start, level=levels[-1], next_level=None, to_next_eur=None)) == 100


def test_programmes_are_read_by_whoever_may_and_by_nobody_else() -> None:
    shown = text_of(staff_client("loyalty_admin").get("/admin/loyalty/programme/"))
    assert "Platinum" in shown
    assert staff_client("loyalty_admin").get("/admin/loyalty/programme/standard/change/").status_code == 200
    assert staff_client("integrator").get("/admin/loyalty/programme/").status_code == 403


def page(player_id: UUID) -> str:
    return reverse("admin:loyalty_standing_level", args=[player_id])


def test_a_level_is_forced_and_let_go_on_a_page() -> None:
    player = make_player()
    client = staff_client("loyalty_admin")
    assert "Set to Platinum" in text_of(client.get(page(player.id)))
    for wrong in (
        {"what": "force:gold"},
        {"what": "force:iron", "reason": "x"},
        {"what": "freeze", "reason": "x" * 301},
    ):
        assert client.post(page(player.id), wrong).status_code == 200
    late = {"what": "force:gold", "reason": "Opening", "active_until": "2020-01-01T00:00"}
    assert "still to come" in text_of(client.post(page(player.id), late))
    assert find_level_order(player.id) is None
    client.post(page(player.id), {"what": "force:gold", "reason": "Opening night"})
    catch_up("loyalty.accrual")
    order = find_level_order(player.id)
    assert order
    assert (order.kind, order.level, order.reason) == ("forced", "gold", "Opening night")
    tab = reverse("admin:players_player_tab", args=[player.id, "loyalty"])
    shown = text_of(client.get(tab))
    for words in ("Let the level go", "Opening night", "Bronze → ", "Staff keep the level"):
        assert words in shown
    client.post(page(player.id), {"reason": "It is over"})
    assert find_level_order(player.id) is None
    assert "Force or freeze" in text_of(client.get(tab))
    assert "Force or freeze" not in text_of(staff_client("support_agent").get(tab))
    assert staff_client("support_agent").get(page(player.id)).status_code == 403
    assert client.get(page(UUID(int=5))).status_code == 404


def test_points_are_corrected_after_a_look_and_large_ones_wait() -> None:
    player = make_player()
    client = staff_client("loyalty_admin")
    address = reverse("admin:loyalty_standing_points", args=[player.id])
    form = client.get(address).context["form"]
    said = {"points": "500", "reason": "goodwill", "evidence": "Chat of today", "key": form.initial["key"]}
    seen = text_of(client.post(address, said))
    assert "change from 0 to 500" in seen
    assert get_standing(player.id, AT).points == 0, "it was only looked at"
    for _ in range(2):
        assert client.post(address, {**said, "confirmed": "1"}).status_code == 302
    assert get_standing(player.id, AT).points == 500
    assert "There are not so many points" in text_of(client.post(address, {**said, "points": "-501"}))
    for wrong in ({"points": "x"}, {"reason": "because"}, {"evidence": ""}, {"points": "0", "confirmed": "1"}):
        assert client.post(address, {**said, **wrong}).status_code == 200
    large = {**said, "points": "50000", "key": "other"}
    assert "a second person has to approve it" in text_of(client.post(address, large))
    assert "It waits for a second person" in text_of(client.post(address, {**large, "confirmed": "1"}, follow=True))
    assert get_standing(player.id, AT).points == 500
    assert "50,000 points" in text_of(staff_client("finance").get("/admin/compliance/approval/"))
    assert staff_client("support_agent").get(address).status_code == 403


def test_redemptions_are_listed_confirmed_and_rejected() -> None:
    with_items()
    player = make_player(login="annakeller")
    add_points(player_id=player.id, points=50_000, reason="x", idempotency_key="x", actor=ACTOR, at=clock.now())
    held = [
        request_redemption(
            player_id=player.id, item="free-play", steps=20, idempotency_key=key, actor=ACTOR, at=clock.now()
        )
        for key in "ab"
    ]
    client = staff_client("vip_manager")
    listed = text_of(client.get("/admin/loyalty/redemption/?state=held"))
    assert "annakeller" in listed
    assert "20,000" in listed
    first, second = (reverse("admin:loyalty_redemption_change", args=[row.id]) for row in held)
    assert "It waits for a decision" in text_of(client.get(first))
    done = client.post(reverse("admin:loyalty_redemption_confirm", args=[held[0].id]), follow=True)
    assert "Granted" in text_of(done)
    reject = reverse("admin:loyalty_redemption_reject", args=[held[1].id])
    assert "Say why" in text_of(client.post(reject, {"reason": ""}, follow=True))
    assert "the points are back" in text_of(client.post(reject, {"reason": "Looks odd"}, follow=True))
    assert "Looks odd" in text_of(client.get(second))
    assert "decided" in text_of(client.post(reject.replace("reject", "confirm"), follow=True)).lower()
    assert client.get(reject).status_code == 404
    shown = text_of(client.get(reverse("admin:players_player_tab", args=[player.id, "loyalty"])))
    assert "20 × Free" in shown
    assert get_standing(player.id, AT).points == 30_000
