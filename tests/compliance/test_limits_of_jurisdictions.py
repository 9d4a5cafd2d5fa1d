"""Limits as single jurisdictions want them, with their boundary values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from compliance.models_cases import ReviewCase
from compliance.ports_limits import get_limit_file
from compliance.selectors_limits import get_terms, list_limits, list_missing, list_uses, pack_limits
from compliance.services.approvals import approve
from compliance.services.deposit_counters import return_payout
from compliance.services.limit_allowances import request_relief
from compliance.services.limit_changes import (
    ChangeNotReady,
    confirm_change,
    decide_contact,
)
from compliance.services.limit_file import person_of
from compliance.types import ApprovalDetails
from compliance.types_limits import ChangeState, LimitKind, SetBy, Wanted
from events.services.log import holding
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from kernel.fx import record_rates
from kernel.money import Money
from players.types import PlayerDetails
from tests.compliance.limits import (
    AT,
    JOB,
    SECOND,
    K,
    P,
    dutch,
    german,
    keys,
    own,
    pay_in,
    pay_out,
    player,
    refusal,
    rules_of,
    wish,
)
from tests.compliance.packs_in_force import make_up
from tests.factories import bet, make_game
from wallet.services.deposits import DepositRefused
from wallet.types import Outcome
from wallet.types_payments import DepositState

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _currencies(settings: Any) -> None:
    settings.PLAYER_CURRENCIES = ["EUR", "GBP", "SEK", "DKK", "USD"]


@pytest.mark.rule(20)
@pytest.mark.parametrize(("amount", "cases"), [("10000.00", 0), ("10000.01", 1)])
def test_se_talks_to_players_with_high_limits(amount: str, cases: int) -> None:
    rules_of("SE", "2026-05-01")
    who = player("SE", "SEK")
    assert wish(who, K.DEPOSIT, P.MONTH, amount).limit
    assert ReviewCase.objects.filter(kind="limit_contact", player_id=who.id).count() == cases


@pytest.mark.rule(21)
def test_de_caps_deposits_of_a_month() -> None:
    who = german()
    with pytest.raises(FieldErrors, match=r"1000\.00"):
        wish(who, K.DEPOSIT, P.MONTH, "1000.01")
    assert pay_in(who, "1000.00") == DepositState.MADE
    data = refusal(who, "0.01")
    assert (data["reason"], data["kind"], data["period"]) == ("limit_reached", "deposit", "month")
    november = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
    refusal(who, "0.01", november - SECOND)
    assert pay_in(who, "1000.00", november) == DepositState.MADE


@pytest.mark.rule(22)
@pytest.mark.parametrize(
    ("birth", "free", "above"),
    [
        (date(2002, 10, 14), "350.00", "350.01"),
        (date(2002, 10, 15), "150.00", "150.01"),
    ],  # 24 that day, or the day after
)
def test_nl_talks_first(birth: date, free: str, above: str) -> None:
    who = dutch(birth)
    waiting = wish(who, K.DEPOSIT, P.MONTH, above).change
    assert waiting
    assert waiting.state == ChangeState.CONTACT
    assert list_missing(who, AT) == [(K.DEPOSIT, P.MONTH)]
    with pytest.raises(ChangeNotReady):
        confirm_change(change_id=waiting.id, actor=own(who), at=AT)
    assert ReviewCase.objects.filter(kind="limit_contact", key=str(waiting.id)).count() == 1
    assert wish(who, K.DEPOSIT, P.MONTH, free).limit
    again = wish(who, K.DEPOSIT, P.MONTH, above).change
    assert again
    clerk = Actor(ActorKind.STAFF, "7", frozenset({"compliance.decide_limitchange"}))
    decided = decide_contact(change_id=again.id, allow=True, reason="can afford it", actor=clerk, at=AT)
    assert decided.state == ChangeState.WAITING
    later = AT + timedelta(hours=24)
    assert confirm_change(change_id=again.id, actor=own(who), at=later).state == ChangeState.APPLIED


@pytest.mark.rule(22)
def test_nl_fills_nothing_in() -> None:
    who = dutch()
    assert [one for one in list_limits(who.id, AT) if one.kind is K.DEPOSIT] == []
    assert get_terms(who, AT).defaults == {}


@pytest.mark.rule(23)
@pytest.mark.parametrize(
    ("birth", "cap", "month"), [(date(1980, 5, 1), "700.00", "5000.00"), (date(2002, 10, 15), "300.00", "5000.00")]
)
def test_nl_looks_at_net_deposits(birth: date, cap: str, month: str) -> None:
    who = dutch(birth)
    change = wish(who, K.DEPOSIT, P.MONTH, month).change
    assert change
    decide_contact(change_id=change.id, allow=True, reason="seen", actor=JOB, at=AT)
    assert pay_in(who, cap) == DepositState.MADE
    assert refusal(who, "0.01")["kind"] == "net_deposit"
    payout = pay_out(who, "100.00", AT + SECOND)
    assert refusal(who, "100.01", AT + 2 * SECOND)["remaining"] == "100.00"
    assert pay_in(who, "100.00", AT + 2 * SECOND) == DepositState.MADE
    with holding(who.id):
        return_payout(payout_id=payout, at=AT + 3 * SECOND)
    assert refusal(who, "0.01", AT + 3 * SECOND)["remaining"] == "0.00"


@pytest.mark.rule(21, 23)
@pytest.mark.parametrize(
    ("country", "kind", "cap", "most"), [("DE", K.DEPOSIT, "1000.00", "10000.00"), ("NL", K.NET_DEPOSIT, "700.00", "")]
)
def test_a_second_person_allows_more_room(country: str, kind: LimitKind, cap: str, most: str) -> None:
    who = german() if country == "DE" else dutch(month="350.00")
    asks = Actor(ActorKind.STAFF, "7", frozenset({"compliance.request_allowance"}))
    decides = Actor(ActorKind.STAFF, "8", frozenset({"compliance.approve_allowance"}))

    def ask(amount: str, key: str) -> ApprovalDetails:
        return request_relief(
            player_id=who.id,
            wanted=Wanted(kind, P.MONTH, Money.parse(amount, "EUR")),
            of=SetBy.PACK,
            reason="means seen",
            idempotency_key=key,
            actor=asks,
            at=AT,
        )

    if most:
        with pytest.raises(FieldErrors, match="10000"):
            ask("10000.01", "too much")
    approval = ask(most or "2000.00", "right")
    assert next(use.limit.measure for use in list_uses(who, AT) if use.limit.kind is kind) == int(cap.replace(".", ""))
    approve(approval_id=approval.id, seen_digest=approval.digest, comment="", actor=decides, at=AT)
    caps = {one.kind: one.measure for one in pack_limits(who, get_terms(who, AT), AT)}
    assert caps[kind] == int((most or "2000.00").replace(".", ""))
    if country == "DE":
        change = wish(who, K.DEPOSIT, P.MONTH, most).change
        assert change
        assert change.eligible_at == AT + timedelta(days=7), "more room is not yet a higher limit"


@pytest.mark.rule(24)
def test_es_caps_by_day_week_and_month() -> None:
    rules_of("ES", "2023-03-15")
    who = player("ES", "EUR")
    october = datetime(2026, 9, 30, 22, 0, tzinfo=UTC)  # midnight in Madrid
    pay_in(who, "600.00", october - SECOND)
    assert refusal(who, "0.01", october - SECOND)["period"] == "day"
    paid, stopped_by = 0, set()
    for day in range(31):
        for amount in (600, 300):  # whatever still fits
            try:
                pay_in(who, f"{amount}.00", october + timedelta(days=day, hours=2))
                paid += amount
            except DepositRefused as refused:
                stopped_by.add(refused.data["details"]["period"])
    assert (paid, stopped_by) == (3000, {"day", "week", "month"})
    assert refusal(who, "0.01", datetime(2026, 10, 31, 22, 59, 59, tzinfo=UTC))["period"] == "month"
    assert pay_in(who, "600.00", datetime(2026, 10, 31, 23, 0, tzinfo=UTC)) == DepositState.MADE


@pytest.mark.rule(24)
def test_es_counts_what_was_paid_in_with_all_operators() -> None:
    who, start = spanish()
    paid_elsewhere(who, "650.00", start)
    data = refusal(who, "50.01", start)
    assert (data["scope"], data["period"]) == ("all_operators", "day")
    assert data["resets_at"] == (start + timedelta(days=1)).isoformat()
    assert pay_in(who, "50.00", start) == DepositState.MADE


@pytest.mark.rule(24)
def test_es_joint_weeks_and_four_weeks_that_begin_on_a_tuesday() -> None:
    who, start = spanish()
    for day, amount in enumerate(("700.00", "700.00", "349.99")):  # Tuesday to Thursday: 1,749.99
        paid_elsewhere(who, amount, start + timedelta(days=day))
    assert refusal(who, "0.02", start + timedelta(days=3))["period"] == "week"
    assert pay_in(who, "0.01", start + timedelta(days=3)) == DepositState.MADE
    for day, amount in ((7, "700.00"), (8, "700.00"), (14, "149.99")):  # 3,299.99 in all
        paid_elsewhere(who, amount, start + timedelta(days=day))
    four_weeks = start + timedelta(days=28)
    assert refusal(who, "0.02", four_weeks - SECOND)["period"] == "4w"
    assert pay_in(who, "0.01", four_weeks - SECOND) == DepositState.MADE
    assert pay_in(who, "600.00", four_weeks) == DepositState.MADE


def spanish() -> tuple[PlayerDetails, datetime]:
    """A player under the joint limits, and the Tuesday midnight in Madrid on which their first four weeks begin."""
    rules_of("ES", "2026-12-26")
    return player("ES", "EUR"), datetime(2026, 12, 28, 23, 0, tzinfo=UTC)


def paid_elsewhere(who: PlayerDetails, amount: str, at: datetime) -> None:
    other = replace(get_limit_file("DGOJ joint limits"), operator="elsewhere")  # type: ignore[type-var]
    answer = other.reserve(person=person_of(who), amount=Money.parse(amount, "EUR"), key=f"{next(keys)}", at=at)
    assert answer.accepted


@pytest.mark.rule(25)
@pytest.mark.parametrize(
    ("birth", "minutes", "spend", "deposit"),
    [
        (date(2001, 10, 16), 120, "50.00", "50.00"),
        (date(2001, 10, 14), 180, "100.00", "200.00"),
    ],  # 25 in two days, today
)
def test_it_begins_with_limits_by_age(birth: date, minutes: int, spend: str, deposit: str) -> None:
    make_game()
    rules_of("IT", "2025-11-12")
    who = player("IT", "EUR", birth)
    found = {use.limit.kind: use.limit for use in list_uses(who, AT)}
    assert found[K.SESSION_TIME].minutes == minutes
    assert (str(found[K.LOSS].amount), str(found[K.DEPOSIT].amount)) == (spend, deposit)
    refusal(who, f"{deposit[:-1]}1")
    pay_in(who, deposit)
    morning = AT + timedelta(days=1)
    pay_in(who, deposit, morning)
    assert bet(who.id, spend, at=morning).outcome == Outcome.APPLIED
    assert bet(who.id, "0.01", at=morning).reason == "limit_reached"
    # Their own limit takes the default's place; above it is a raise as any other.
    assert wish(who, K.DEPOSIT, P.DAY, "20.00", morning).limit
    assert {use.limit.set_by for use in list_uses(who, morning) if use.limit.kind is K.DEPOSIT} == {"player"}


def test_a_balance_limit_is_set_by_the_player_and_stops_deposits_above_it() -> None:
    who = player("DE", "EUR")
    wish(who, K.BALANCE, P.NONE, "150.00")
    assert [str(one.amount) for one in list_limits(who.id, AT) if one.kind is K.BALANCE] == ["150.00"]
    pay_in(who, "100.00")
    data = refusal(who, "50.01")
    assert (data["kind"], data["remaining"]) == ("balance", "50.00")
    assert pay_in(who, "50.00") == DepositState.MADE
    assert wish(who, K.BALANCE, P.NONE, "300.00").change, "a higher threshold is a raise"


def test_a_pack_in_another_currency_needs_a_rate() -> None:
    make_up("ES", limits__deposit_caps={"day": "600.00 EUR"})
    who = player("ES", "USD")
    assert refusal(who, "10.00")["reason"] == "pack_incomplete"
    record_rates(rates={AT.date(): {"USD": Decimal("1.25")}}, source="test", at=AT)
    assert refusal(who, "750.01")["limit"] == "750.00"
    assert pay_in(who, "750.00") == DepositState.MADE
