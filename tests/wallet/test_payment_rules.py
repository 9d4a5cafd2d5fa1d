"""The arithmetic of payments: the closed loop for any amounts, the score for any facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import uuid7
from kernel.money import Money, total
from tests.factories import AT
from tests.wallet.payments import eur
from wallet.rules import (
    AutoApproval,
    RiskFacts,
    approves,
    assess,
    breaks_closed_loop,
    next_try,
    plan_payouts,
    score_of,
)
from wallet.types_payments import InstrumentDetails, InstrumentKind

AMOUNTS = st.integers(0, 10_000)


def known(paid_in: int = 5000, owed: int | None = None, days: int = 100) -> InstrumentDetails:
    owed_back = paid_in if owed is None else owed
    added = AT - timedelta(days=days)
    return InstrumentDetails(
        uuid7(),
        uuid7(),
        "sandbox",
        InstrumentKind.CARD,
        "x",
        Money(paid_in, "EUR"),
        Money(owed_back, "EUR"),
        added,
        added,
    )


@given(st.integers(1, 50_000), st.lists(AMOUNTS, min_size=1, max_size=5), st.data())
def test_the_plan_pays_all_of_it_and_keeps_the_loop_closed(amount: int, owed: list[int], data: st.DataObject) -> None:
    instruments = [known(value, days=number) for number, value in enumerate(owed)]
    preferred = data.draw(st.sampled_from(instruments))
    plan = plan_payouts(Money(amount, "EUR"), instruments, preferred.id)
    assert total((part for _, part in plan), "EUR").amount_minor == amount
    assert len({id_ for id_, _ in plan}) == len(plan)
    assert all(part.amount_minor > 0 for _, part in plan)
    owed_to = {row.id: row.owed_back for row in instruments}
    assert all(part <= owed_to[id_] for id_, part in plan if id_ != preferred.id)
    assert not breaks_closed_loop(plan, instruments)


def test_the_preferred_comes_first_then_the_last_used() -> None:
    old, new = known(3000, days=50), known(2000, days=10)
    assert plan_payouts(eur("40.00"), [old, new], old.id) == [(old.id, eur("30.00")), (new.id, eur("10.00"))]
    assert plan_payouts(eur("40.00"), [old, new], new.id) == [(new.id, eur("20.00")), (old.id, eur("20.00"))]


@pytest.mark.parametrize(
    ("split", "broken"),
    [((3000, 2000), False), ((1000, 1000), False), ((3001, 1999), True), ((3001, 2000), False), ((5000, 0), True)],
)
def test_who_gets_more_than_its_own_while_another_waits(split: tuple[int, int], broken: bool) -> None:
    instruments = [known(3000), known(2000)]
    parts = [(row.id, Money(part, "EUR")) for row, part in zip(instruments, split, strict=True) if part]
    assert breaks_closed_loop(parts, instruments) is broken


NOTHING_AGAINST = RiskFacts(
    amount=eur("50.00"),
    at=AT,
    instrument=known(),
    instrument_shared=False,
    deposited=eur("100.00"),
    staked=eur("100.00"),
    recent_withdrawals=0,
    largest_paid=eur("50.00"),
    restrictions=(),
    confirmed=True,
    risk_level="low",
    changed_at=None,
    chargebacks=0,
)


def test_an_ordinary_withdrawal_has_no_reason() -> None:
    assert assess(NOTHING_AGAINST) == []


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("new_instrument", {"instrument": known(days=6)}),
        ("never_paid_in", {"instrument": known(0)}),
        ("shared_instrument", {"instrument_shared": True}),
        ("not_played", {"staked": eur("99.99")}),
        ("velocity", {"recent_withdrawals": 2}),
        ("first_withdrawal", {"largest_paid": None}),
        ("unusual_amount", {"amount": eur("150.01")}),
        ("restricted", {"restrictions": ("bonus_block",)}),
        ("unverified", {"confirmed": False}),
        ("risk_level", {"risk_level": "medium"}),
        ("risk_level", {"risk_level": "high"}),
        ("changed_details", {"changed_at": AT - timedelta(days=6)}),
        ("chargebacks", {"chargebacks": 1}),
    ],
)
def test_each_sign_is_one_reason(code: str, change: dict[str, object]) -> None:
    found = assess(replace(NOTHING_AGAINST, **change))  # type: ignore[arg-type]
    assert [reason.code for reason in found] == [code]
    assert 0 < score_of(found) <= 100
    assert found[0].detail.endswith(".")


@pytest.mark.parametrize(
    "change",
    [
        {"instrument": known(days=7)},
        {"recent_withdrawals": 1},
        {"amount": eur("150.00")},
        {"changed_at": AT - timedelta(days=7)},
        {"deposited": eur("0.00"), "staked": eur("0.00")},
    ],
)
def test_just_below_the_mark_is_no_reason(change: dict[str, object]) -> None:
    assert assess(replace(NOTHING_AGAINST, **change)) == []  # type: ignore[arg-type]


def test_a_score_never_leaves_its_scale() -> None:
    everything = replace(
        NOTHING_AGAINST, instrument_shared=True, chargebacks=3, risk_level="prohibited", confirmed=False
    )
    assert score_of(assess(everything)) == 100


@pytest.mark.parametrize(
    ("level", "amount", "score", "passes"),
    [
        ("gold", eur("1000.00"), 20, True),
        ("gold", eur("1000.01"), 20, False),
        ("gold", eur("1000.00"), 21, False),
        ("silver", eur("100.00"), 10, True),
        ("silver", eur("100.01"), 10, False),
        ("", eur("100.00"), 10, True),
        ("gold", Money(1, "USD"), 0, False),
    ],
)
def test_rules_by_level_amount_and_score(level: str, amount: Money, score: int, passes: bool) -> None:
    rules = [AutoApproval("", eur("100.00"), 10), AutoApproval("gold", eur("1000.00"), 20)]
    assert approves(rules, level=level, amount=amount, score=score) is passes


def test_nobody_is_spared_without_rules() -> None:
    assert not approves([], level="platinum", amount=Money(1, "EUR"), score=0)


def test_waiting_grows_to_an_hour() -> None:
    waits = [next_try(number).total_seconds() / 60 for number in range(8)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert next_try(10_000).total_seconds() == 3600
