"""Ella is 22 and lives in Leeds: from her registration to her first withdrawal, with all that Great Britain asks for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from django.core.management import call_command

from tests.factories import make_game
from tests.packs import activate
from tests.rest.conftest import problem
from tests.stories.faces import history
from tests.stories.newcomers import Newcomer, fields_asked, turned_away

pytestmark = pytest.mark.usefixtures("db")

ELLA = {
    "country": "GB", "currency": "GBP", "first_name": "Ella", "last_name": "Wood", "birth_date": "2004-05-17",
    "street": "1 High Street", "city": "Leeds", "postcode": "LS1 4DY",
}  # fmt: skip


@pytest.fixture
def ella(hand: time_machine.Traveller, token_for: Callable[..., str]) -> Newcomer:
    activate("GB")
    make_game()
    return Newcomer(hand, token_for, **ELLA)


def test_whoever_gamstop_lists_is_turned_away(hand: time_machine.Traveller) -> None:
    activate("GB")
    assert fields_asked("GB") == {"first_name", "last_name", "birth_date", "street", "city", "postcode"}
    answer = turned_away(**ELLA | {"last_name": "Listed"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "excluded")


def test_from_the_first_click_to_the_first_withdrawal(ella: Newcomer) -> None:
    assert ella.registers_said() == {("GAMSTOP", "clear")}

    # Nothing before her age is verified: no bonus, no deposit.
    assert ella.gets_free_spins() == "age_not_verified"
    assert ella.deposit("20.00") == "age_not_verified"
    ella.prove()

    # She is asked for a deposit limit, and cannot go past it.
    page = ella.read("limits")
    assert (page["prompt_due"], page["prompt_at"]) == (True, ["registration", "first_deposit"])
    assert ella.deposit("20.00") == "limit_prompt_due"
    assert ella.limit("100.00", "week") is None
    assert ella.read("limits")["prompt_due"] is False
    assert ella.deposit("20.00", "tok_ok~one~credit") == "credit_refused"
    assert ella.deposit("100.01") == "limit_reached"
    assert ella.deposit("100.00") == "made"

    # Up to 24 years 2.00 GBP on slots, a round takes 2.5 seconds.
    rules = ella.casino.get(f"players/{ella.id}/game-rules").json()
    assert (rules["stake_caps"], rules["min_cycle_ms"]["slots"]) == ({"slots": "2.00"}, 2500)
    ella.done("PATCH", "play-settings", {"reality_check_minutes": 10})
    assert ella.bet("2.01") == "stake_above_cap"
    assert ella.bet("2.00") == "applied"
    ella.wait(seconds=2.4)
    assert ella.bet("2.00") == "too_fast"
    ella.wait(seconds=0.1)
    assert ella.bet("2.00", win="30.00") == "applied"

    # The reality check that she chose.
    ella.wait(minutes=10)
    assert ella.bet("2.00") == "reality_check_due"
    position = ella.read("play-session")
    assert (position["staked"], position["won"], position["net"]) == ("4.00", "30.00", "26.00")
    ella.done("POST", "play-session/reality-check", {"choice": "continue"})
    assert ella.bet("2.00") == "applied"

    # A lower limit holds at once, a higher one a day later, and only if she still wants it.
    assert ella.limit("50.00", "week") is None
    assert ella.deposit("1.00") == "limit_reached"
    change = ella.limit("200.00", "week")
    problem(ella.send("POST", f"limits/changes/{change['id']}/confirm"), 409, "limit_change_not_ready")
    ella.come_back(hours=24)
    ella.done("POST", f"limits/changes/{change['id']}/confirm")
    assert ella.deposit("1.00") == "made"

    # She cashes out. No document is asked for now, and what she asked for she cannot take back.
    assert ella.withdraw("120.00") == "in_review"
    problem(ella.send("POST", f"withdrawals/{ella.waiting_withdrawal()}/cancel"), 403, "cancellation_forbidden")
    ella.is_paid("120.00")

    assert history(ella.casino, ella.id) == [
        ("deposit", "100.00", "100.00"), ("bet", "-2.00", "98.00"), ("bet", "-2.00", "96.00"),
        ("win", "30.00", "126.00"), ("bet", "-2.00", "124.00"), ("deposit", "1.00", "125.00"),
        ("withdrawal_hold", "0.00", "5.00"), ("withdrawal", "-120.00", None),
    ]  # fmt: skip
    assert ella.read("balance")["real"] == "5.00"
    call_command("verify_ledger")
