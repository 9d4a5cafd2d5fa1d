"""Lotte lives in Berlin: from her registration to her first withdrawal, with all that Germany asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
import time_machine
from django.core.management import call_command

from compliance.services.sandbox_registers import SandboxActivityFile, SandboxLimitFile
from compliance.types_limits import CentralPerson
from kernel import clock
from kernel.money import Money
from tests.factories import make_game
from tests.packs import activate
from tests.rest.conftest import problem
from tests.stories.faces import history
from tests.stories.newcomers import Newcomer, fields_asked, turned_away
from wallet.types import GameCategory

pytestmark = pytest.mark.usefixtures("db")

LOTTE = {
    "country": "DE", "currency": "EUR", "first_name": "Lotte", "last_name": "Berger", "birth_date": "1990-05-17",
    "birth_name": "Klein", "birth_place": "Kiel", "street": "Lindenweg 1", "city": "Berlin", "postcode": "10115",
}  # fmt: skip
WHO = CentralPerson("Lotte", "Berger", date(1990, 5, 17), "DE")


@pytest.fixture
def lotte(hand: time_machine.Traveller, token_for: Callable[..., str]) -> Newcomer:
    activate("DE")
    make_game()
    make_game("cherries")
    make_game("roulette", GameCategory.TABLE)
    return Newcomer(hand, token_for, **LOTTE)


def test_who_is_turned_away(lotte: Newcomer) -> None:
    assert fields_asked("DE") >= {"birth_name", "birth_place"}
    listed, again = turned_away(**LOTTE | {"last_name": "Listed"}), turned_away(**LOTTE | {"last_name": "BERGER"})
    assert [answer.status_code for answer in (listed, again)] == [403, 403]
    assert [answer.json()["errors"][0]["code"] for answer in (listed, again)] == ["excluded", "duplicate_account"]


def test_no_bet_without_a_limit_not_even_a_free_one(lotte: Newcomer) -> None:
    assert lotte.gets_free_spins() == "verification_required"
    assert lotte.deposit("10.00") == "verification_required"
    lotte.prove()
    assert lotte.gets_free_spins() == "applied"
    lotte.done("POST", "login-summary")
    lotte.done("POST", "play-session/activity")
    assert lotte.free_spin() == "limits_required"
    assert lotte.limit("500.00", "month") is None
    assert lotte.free_spin() == "applied"


def test_from_the_first_click_to_the_first_withdrawal(lotte: Newcomer) -> None:
    assert lotte.registers_said() == {("OASIS", "clear")}

    # She wants to play at once: for 72 hours, with 100.00 EUR, once she knows, and with a limit.
    assert lotte.deposit("100.00") == "verification_required"
    grace = lotte.done("POST", "verification/grace")["grace"]
    assert (grace["acknowledged"], grace["deposit_left"]) == (True, "100.00")
    assert lotte.deposit("100.00") == "limits_required"
    assert lotte.limit("500.00", "month") is None
    assert lotte.deposit("100.01") == "verification_required"
    assert lotte.deposit("100.00") == "made"
    assert lotte.withdraw("10.00") == "verification_required"

    # The summary after login, and the file of who plays where: she has just played with somebody else.
    assert lotte.bet("1.00") == "login_summary_due"
    assert lotte.read("login-summary")["days"] == 30
    lotte.done("POST", "login-summary")
    assert lotte.bet("1.00") == "activity_check_due"
    elsewhere = SandboxActivityFile("elsewhere")
    elsewhere.begin(person=WHO, at=clock.now())
    refused = problem(lotte.send("POST", "play-session/activity"), 403, "play_refused")
    assert refused["reason"] == "playing_elsewhere"
    elsewhere.end(person=WHO, at=clock.now())
    lotte.wait(minutes=5)
    lotte.done("POST", "play-session/activity")

    # 1.00 EUR a spin, five seconds a spin, one game at a time, no tables.
    assert lotte.bet("1.01") == "stake_above_cap"
    assert lotte.bet("1.00") == "applied"
    lotte.wait(seconds=4.9)
    assert lotte.bet("1.00") == "too_fast"
    lotte.wait(seconds=0.1)
    assert lotte.bet("1.00", win="40.00") == "applied"
    lotte.wait(seconds=5)
    assert lotte.bet("1.00", "cherries") == "parallel_play"
    assert lotte.bet("1.00", "roulette") == "game_type_not_offered"

    # After an hour the reality check, and then a break of five minutes.
    for _ in range(2):
        lotte.wait(minutes=25)
        assert lotte.bet("1.00") == "applied"
    lotte.wait(minutes=10)
    assert lotte.bet("1.00") == "reality_check_due"
    lotte.done("POST", "play-session/reality-check", {"choice": "continue"})
    assert lotte.bet("1.00") == "break_due"
    lotte.wait(minutes=5)
    assert lotte.bet("1.00") == "applied"

    # She is verified. All operators together take 1,000.00 EUR a month, and her own limit rises after a week only.
    lotte.prove()
    SandboxLimitFile("elsewhere").reserve(
        person=WHO, amount=Money.parse("850.00", "EUR"), key="theirs", at=clock.now()
    )  # fmt: skip
    assert lotte.deposit("50.01") == "limit_reached"
    assert lotte.deposit("50.00") == "made"
    change = lotte.limit("600.00", "month")
    assert change["eligible_at"] == f"{clock.now() + timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}"

    lotte.confirm_who_i_am()
    assert lotte.withdraw("120.00") == "in_review"
    lotte.is_paid("120.00")

    one = ("bet", "-1.00")
    assert history(lotte.casino, lotte.id) == [
        ("deposit", "100.00", "100.00"), (*one, "99.00"), (*one, "98.00"), ("win", "40.00", "138.00"),
        (*one, "137.00"), (*one, "136.00"), (*one, "135.00"), ("deposit", "50.00", "185.00"),
        ("withdrawal_hold", "0.00", "65.00"), ("withdrawal", "-120.00", None),
    ]  # fmt: skip
    assert lotte.read("balance")["real"] == "65.00"
    call_command("verify_ledger")
