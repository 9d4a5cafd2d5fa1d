"""Counters of deposits: exact whatever runs beside each other, whatever fails, and in whatever order clocks say."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from compliance.rules_limits import window_at
from compliance.selectors_limits import find_reached, get_terms, list_binding, sum_paid_in
from compliance.services.deposit_counters import (
    confirm_deposit,
    count_deposit,
    count_payout,
    release_deposit,
    return_payout,
)
from compliance.services.limits import set_limit
from compliance.services.sandbox_registers import SandboxActivityFile, SandboxLimitFile
from compliance.types_limits import CentralPerson, LimitKind, LimitPeriod, Wanted
from events.services.log import holding
from kernel.actors import system
from kernel.ids import uuid7
from kernel.money import Money
from players.types import PlayerDetails
from tests.compliance.packs_in_force import make_up
from tests.connections import in_parallel
from tests.factories import ACTOR, make_player
from wallet.models_payments import Deposit
from wallet.services.deposits import DepositRefused, request_deposit
from wallet.types_payments import DepositState

pytestmark = pytest.mark.usefixtures("db")

K, P = LimitKind, LimitPeriod
AT = datetime(2026, 10, 14, 12, 0, tzinfo=UTC)


def limited(period: LimitPeriod, amount: str, country: str = "AT", **fields: Any) -> PlayerDetails:
    who = make_player(country=country, at=AT - timedelta(days=1), **fields)
    wanted = Wanted(K.DEPOSIT, period, Money.parse(amount, "EUR"))
    set_limit(player_id=who.id, wanted=wanted, actor=system("test"), at=AT)
    return who


def pay_in(who: PlayerDetails, amount: str, key: str, at: datetime = AT, token: str = "tok_ok") -> str:
    try:
        deposit = request_deposit(
            player_id=who.id,
            amount=Money.parse(amount, "EUR"),
            provider="sandbox",
            instrument=token,
            source="test",
            idempotency_key=key,
            actor=ACTOR,
            at=at,
        )
    except DepositRefused as refused:
        return str(refused.data["reason"])
    return str(deposit.state)


@pytest.mark.rule(13)
def test_a_hundred_deposits_at_once_never_exceed_a_limit() -> None:
    who = limited(P.ROLLING_24H, "105.00")

    def pay(number: int) -> str:
        return pay_in(who, "10.00", f"parallel-{number}")

    answers = in_parallel([lambda number=number: pay(number) for number in range(100)], threads=8)
    assert sorted(set(answers)) == ["limit_reached", "made"]
    assert answers.count("made") == 10
    assert Deposit.objects.filter(player_id=who.id, state=DepositState.MADE).count() == 10


FAILED_STAYS = [(False, "made"), (True, "limit_reached")]


@pytest.mark.rule(11)
@pytest.mark.parametrize(("failed_stays", "after_failure"), FAILED_STAYS)
def test_a_limit_file_over_all_operators(failed_stays: bool, after_failure: str) -> None:
    """Whether the file goes on counting what failed is what the pack says."""
    make_up(
        "DE",
        timezone="Europe/Berlin",
        registers__limit_file_name="LUGAS Limitdatei",
        registers__limit_file_check_on=["deposit"],
        registers__limit_file_on_error="deny",
        registers__limit_file_failed_deposits_count=failed_stays,
    )
    who = make_player(country="DE", at=AT, first_name="Zoë", last_name="Müller")
    person = CentralPerson("zoe", "MULLER", None, "DE")
    elsewhere = SandboxLimitFile("elsewhere")
    taken = elsewhere.reserve(person=person, amount=Money.parse("900.00", "EUR"), key="theirs", at=AT)
    assert taken.accepted
    assert pay_in(who, "100.01", "a cent too much") == "limit_reached"
    assert pay_in(who, "100.00", "declined", token="tok_decline") == "failed"
    assert pay_in(who, "100.00", "second try") == after_failure
    november = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
    assert pay_in(who, "0.01", "still October", november - timedelta(seconds=1)) == "limit_reached"
    assert pay_in(who, "1000.00", "November", november) == "made"
    lost = make_player(country="DE", at=AT, first_name="Zoë", last_name="Unreachable")
    assert pay_in(lost, "1.00", "no answer") == "register_unavailable"


@pytest.mark.rule(11)
def test_two_operators_race_for_the_rest() -> None:
    person = CentralPerson("Ada", "Racer", None, "DE")
    files = [SandboxLimitFile("one"), SandboxLimitFile("two")]
    half = Money.parse("600.00", "EUR")
    answers = in_parallel(
        [lambda file=file: file.reserve(person=person, amount=half, key="k", at=AT) for file in files], threads=2
    )
    assert sorted(answer.accepted for answer in answers) == [False, True]
    first = files[[answer.accepted for answer in answers].index(True)]
    assert first.reserve(person=person, amount=half, key="k", at=AT).accepted, "the same deposit is counted once"


@pytest.mark.rule(11)
def test_one_operator_at_a_time_and_five_minutes_between() -> None:
    person = CentralPerson("Ada", "Player", None, "DE")
    here, there = SandboxActivityFile("here"), SandboxActivityFile("there")
    assert here.begin(person=person, at=AT).accepted
    assert not there.begin(person=person, at=AT).accepted
    here.end(person=person, at=AT)
    free_at = AT + timedelta(minutes=5)
    assert there.begin(person=person, at=free_at - timedelta(microseconds=1)).resets_at == free_at
    assert there.begin(person=person, at=free_at).accepted
    assert not here.begin(person=person, at=free_at).accepted


@pytest.mark.parametrize("seed", range(3))
def test_counters_equal_a_recount(seed: int) -> None:
    """Deposits that are made, fail, hang or come late, payouts that come back, and clocks that jump: what the limits count
    is what a list of it all says."""
    chance = random.Random(seed)
    who = limited(P.ROLLING_7D, "1000.00")
    wanted = Wanted(K.DEPOSIT, P.WEEK, Money.parse("900.00", "EUR"))
    set_limit(player_id=who.id, wanted=wanted, actor=system("test"), at=AT)
    deposits: dict[UUID, list[Any]] = {}  # amount, requested, released
    payouts: dict[UUID, list[Any]] = {}
    now = AT
    for _ in range(60):
        now += timedelta(minutes=chance.choice([1, 60, 1440, 2880, -30, -1500]))
        now = max(now, AT)
        deed = chance.choice(["ask", "ask", "ask", "make", "fail", "late", "pay", "return"])
        amount = Money(chance.randint(1, 20_000), "EUR")
        known, paid = chance.choice(list(deposits) or [uuid7()]), chance.choice(list(payouts) or [uuid7()])
        with holding(who.id):
            match deed:
                case "ask":
                    terms = get_terms(who, now)
                    reached = find_reached(who, amount, None, now, terms)
                    expected = any(
                        naive(deposits, payouts, limit.period, now) + amount.amount_minor > limit.measure
                        for limit in list_binding(who, now, terms)
                    )
                    assert (reached is not None) is expected
                    if reached is None:
                        deposit_id = uuid7()
                        count_deposit(deposit_id=deposit_id, player_id=who.id, amount=amount, at=now)
                        deposits[deposit_id] = [amount.amount_minor, now, False, False]
                case "make" | "late" if known in deposits:
                    confirm_deposit(deposit_id=known, player_id=who.id, amount=amount, at=now)
                    deposits[known] = [amount.amount_minor, deposits[known][1], False, True]
                case "fail" if known in deposits:
                    release_deposit(deposit_id=known, at=AT)
                    deposits[known][2] = not deposits[known][3]
                case "pay":
                    payout_id = uuid7()
                    count_payout(payout_id=payout_id, player_id=who.id, amount=amount, at=now)
                    payouts[payout_id] = [amount.amount_minor, now, False]
                case "return" if paid in payouts:
                    return_payout(payout_id=paid, at=AT)
                    payouts[paid][2] = True
        terms = get_terms(who, now)
        for limit in list_binding(who, now, terms):
            assert sum_paid_in(who.id, limit, terms, now)[0] == naive(deposits, payouts, limit.period, now)


def naive(deposits: dict[UUID, list[Any]], payouts: dict[UUID, list[Any]], period: LimitPeriod, now: datetime) -> int:
    """Gross: whatever is paid out, it counts."""
    start = window_at(period, now, "UTC").start
    return sum(amount for amount, asked, released, _ in deposits.values() if asked >= start and not released)
