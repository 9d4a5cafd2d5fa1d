"""What fees come to, by hand and by property."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.rules_fees import choose_rule, divide_fee, fee_of, fee_taken, micro_of, round_fee
from wallet.types_purses import FeeKind, FeeTerms

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def rule(number: int = 1, **terms: object) -> FeeTerms:
    return FeeTerms(id=number, kind=FeeKind.WITHDRAWAL, currency="EUR", **terms)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("terms", "amount", "fee"),
    [
        ({"percent": Decimal("2.5")}, 100_00, 2_50),
        ({"percent": Decimal("2.5")}, 20, 1),  # 0.5 of a cent, up
        ({"percent": Decimal("2.5")}, 19, 0),
        ({"fixed_minor": 1_50}, 40_00, 1_50),
        ({"percent": Decimal(5), "fixed_minor": 25}, 10_00, 75),
        ({"percent": Decimal(5), "most_minor": 3_00}, 1_000_00, 3_00),
        ({"percent": Decimal(5), "least_minor": 2_00}, 10_00, 2_00),
        ({"fixed_minor": 5_00}, 3_00, 3_00),  # never more than the amount
        ({}, 3_00, 0),
    ],
)
def test_what_a_rule_takes(terms: dict[str, object], amount: int, fee: int) -> None:
    assert fee_of(rule(**terms), amount) == fee


def test_without_a_rule_nothing_is_taken() -> None:
    assert fee_of(None, 100_00) == 0


def test_half_a_cent_goes_up() -> None:
    assert [round_fee(Decimal(text)) for text in ("0.49", "0.5", "1.5", "2.5")] == [0, 1, 2, 3]


def test_the_rule_that_names_most_applies_then_the_later() -> None:
    everybody = rule(1, effective_from=DAY)
    later = rule(2, effective_from=DAY + timedelta(days=1))
    gold = rule(3, effective_from=DAY, level="gold")
    gold_cards = rule(4, effective_from=DAY, level="gold", method="card")
    rules = [later, gold_cards, everybody, gold]
    assert choose_rule(rules, level="bronze", method="card") is later
    assert choose_rule(rules, level="gold", method="bank") is gold
    assert choose_rule(rules, level="gold", method="card") is gold_cards
    assert choose_rule([gold], level="silver") is None


@given(parts=st.lists(st.integers(1, 10_000), min_size=1, max_size=5), data=st.data())
def test_a_divided_fee_is_whole_and_leaves_every_part_something(parts: list[int], data: st.DataObject) -> None:
    fee = data.draw(st.integers(0, sum(parts) - 1))
    shares = divide_fee(fee, parts)
    room = sum(part - 1 for part in parts)
    assert sum(shares) == min(fee, room)
    assert all(0 <= share < part for part, share in zip(parts, shares, strict=True))


@given(due=st.integers(1, 10_000), fee=st.integers(0, 5_000), data=st.data())
def test_a_fee_grows_with_what_was_paid_and_is_whole_in_the_end(due: int, fee: int, data: st.DataObject) -> None:
    paid = data.draw(st.integers(0, due))
    assert 0 <= fee_taken(fee, due, paid) <= fee_taken(fee, due, due) == fee
    assert fee_taken(fee, due, 0) == 0
    assert fee_taken(fee, due, due + 1) == fee


def test_millionths_of_a_cent() -> None:
    assert micro_of(Decimal("0.0125"), 2) == 1_250_000
    assert micro_of(Decimal("0.00000001"), 2) == 1
    assert micro_of(Decimal("0.000000001"), 2) is None
    assert micro_of(Decimal("2.5"), 0) == 2_500_000
