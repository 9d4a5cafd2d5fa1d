"""Loyalty's screens, and its tab of the player page."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from django.urls import reverse

from events.ports import get_consumer
from events.services.consuming import Runner
from loyalty.admin_panel import progress
from loyalty.selectors import find_level_order, get_standing, list_levels
from tests.consumers import catch_up
from tests.factories import AT, bet, fund, make_game, make_player
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
