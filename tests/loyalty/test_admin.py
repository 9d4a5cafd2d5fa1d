"""Loyalty's screens, and its tab of the player page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.urls import reverse

from events.ports import get_consumer
from events.services.consuming import Runner
from loyalty.admin_panel import progress
from loyalty.selectors import get_standing, list_levels
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
