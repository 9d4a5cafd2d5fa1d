"""Astrid lives in Lund: from her registration to her first withdrawal, with all that Sweden asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.urls import reverse

from kernel import clock
from tests.factories import make_game
from tests.packs import activate
from tests.rest.conftest import problem
from tests.staff import staff_client, text_of
from tests.stories.faces import history
from tests.stories.newcomers import Newcomer, fields_asked, turned_away

pytestmark = pytest.mark.usefixtures("db")

ASTRID = {
    "country": "SE", "currency": "SEK", "first_name": "Astrid", "last_name": "Lind", "birth_date": "1985-07-09",
    "street": "Storgatan 1", "city": "Lund", "postcode": "222 21", "national_id": "850709-9805",
}  # fmt: skip


@pytest.fixture
def astrid(hand: time_machine.Traveller, token_for: Callable[..., str]) -> Newcomer:
    activate("SE")
    make_game()
    return Newcomer(hand, token_for, **ASTRID)


def staff_are_to_call() -> bool:
    cases = text_of(staff_client("compliance_officer").get(reverse("admin:compliance_reviewcase_changelist")))
    return ">Limit contact</a>" in cases


def test_who_is_turned_away(hand: time_machine.Traveller) -> None:
    activate("SE")
    assert fields_asked("SE") >= {"national_id"}
    mistyped = turned_away(**ASTRID | {"national_id": "850709-9806"})
    assert (mistyped.status_code, mistyped.json()["errors"][0]["param"]) == (400, "national_id")
    listed = turned_away(**ASTRID | {"last_name": "Listed"})
    assert (listed.status_code, listed.json()["errors"][0]["code"]) == (403, "excluded")


def test_from_the_first_click_to_the_first_withdrawal(astrid: Newcomer) -> None:
    assert astrid.registers_said() == {("Spelpaus", "clear")}

    # One bonus, at the first occasion, and never again.
    assert astrid.gets_free_spins() == "applied"
    assert astrid.gets_free_spins() == "first_occasion_only"

    # No deposit and no play, not even for nothing, without the three limits.
    for period, amount in (("day", "1000.00"), ("week", "5000.00"), ("month", "10000.01")):
        assert {"kind": "deposit", "period": period} in astrid.read("limits")["missing"]
        assert astrid.deposit("500.00") == "limits_required"
        assert astrid.free_spin() == "limits_required"
        assert not staff_are_to_call()
        assert astrid.limit(amount, period) is None
    assert astrid.read("limits")["missing"] == []
    assert staff_are_to_call(), "she may pay in more than 10,000 SEK a month"
    assert astrid.free_spin() == "applied"

    # No credit; the day's limit holds to the öre.
    assert astrid.deposit("500.00", "tok_ok~one~credit") == "credit_refused"
    assert astrid.deposit("1000.01") == "limit_reached"
    assert astrid.deposit("1000.00") == "made"
    assert astrid.deposit("0.01") == "limit_reached"

    # A spin takes three seconds.
    astrid.wait(seconds=3)
    assert astrid.bet("20.00") == "applied"
    astrid.wait(seconds=2.9)
    assert astrid.bet("20.00") == "too_fast"
    astrid.wait(seconds=0.1)
    assert astrid.bet("20.00", win="400.00") == "applied"

    # A lower limit holds at once; a higher one not before 72 hours have passed, nor before the day is over.
    astrid.come_back(days=1)
    assert astrid.limit("200.00", "day") is None
    assert astrid.deposit("200.01") == "limit_reached"
    change = astrid.limit("300.00", "day")
    assert datetime.fromisoformat(change["eligible_at"]) >= clock.now() + timedelta(hours=72)
    problem(astrid.send("POST", f"limits/changes/{change['id']}/confirm"), 409, "limit_change_not_ready")

    assert astrid.withdraw("1300.00") == "in_review"
    astrid.is_paid("1300.00")

    assert history(astrid.casino, astrid.id)[-6:] == [
        ("deposit", "1000.00", "1000.00"), ("bet", "-20.00", "980.00"), ("bet", "-20.00", "960.00"),
        ("win", "400.00", "1360.00"), ("withdrawal_hold", "0.00", "60.00"), ("withdrawal", "-1300.00", None),
    ]  # fmt: skip
    assert astrid.read("balance")["real"] == "60.00"
    call_command("verify_ledger")
