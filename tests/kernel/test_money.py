"""Money is exact, in one currency, and never a float."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.currencies import EXPONENTS, UnknownCurrency, exponent
from kernel.db import fetch_one
from kernel.money import MAX_AMOUNT_MINOR, CurrencyMismatch, InvalidAmount, Money, total

CURRENCIES = st.sampled_from(sorted(EXPONENTS))


@given(st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR), CURRENCIES)
def test_money_survives_the_wire(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(str(money), currency) == money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.34", "EUR", 1234), ("12.3", "EUR", 1230), ("12", "EUR", 1200), ("500", "JPY", 500), ("1.234", "KWD", 1234),
     ("-0.01", "EUR", -1), ("+5", "EUR", 500), ("0.0001", "CLF", 1), ("1.000", "JPY", 1)],
)  # fmt: skip
def test_amounts_are_read_in_major_units(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency).amount_minor == minor


@pytest.mark.parametrize(
    "text", ["12.345", "", " 1", "1 ", "1,00", "1e3", "NaN", "Infinity", "0x10", "١٢", "1_000", "--1", ".5", "5.",
     "9" * 17, "9" * 5000, None, 1.5, 5],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: object) -> None:
    with pytest.raises(InvalidAmount):
        Money.parse(text, "EUR")  # type: ignore[arg-type]


def test_decimals_that_a_currency_does_not_have_are_refused() -> None:
    with pytest.raises(InvalidAmount, match="JPY has 0 decimals"):
        Money.parse("1.5", "JPY")


@pytest.mark.parametrize("minor", [1.0, "1", True, None, Decimal(1)])
def test_minor_units_are_integers(minor: object) -> None:
    with pytest.raises(InvalidAmount):
        Money(minor, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["eur", "EURO", "", None, "XXX", "XAU", 978])
def test_unknown_currencies_are_refused(code: object) -> None:
    with pytest.raises(UnknownCurrency):
        Money(1, code)  # type: ignore[arg-type]


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "EUR") < Money(1, "USD")
    assert Money(1, "EUR") != Money(1, "USD")


def test_sums_and_signs() -> None:
    assert total([Money(5, "EUR"), Money(-7, "EUR")], "EUR") == -Money(2, "EUR")
    assert total([], "JPY") == Money.zero("JPY")
    assert Money(3, "EUR") - Money(1, "EUR") == Money(2, "EUR")
    assert Money(1, "EUR") < Money(2, "EUR") <= Money(2, "EUR") < Money(3, "EUR")
    assert Money(3, "EUR") > Money(2, "EUR") >= Money(2, "EUR")


@pytest.mark.usefixtures("db")
def test_the_database_writes_amounts_as_python_does() -> None:
    for currency in EXPONENTS:
        for minor in (0, 1, -1, 10, 1234567, -99):
            assert fetch_one("SELECT kernel_major(%s, %s)", [minor, currency])[0] == str(Money(minor, currency))
        assert fetch_one("SELECT kernel_exponent(%s)", [currency])[0] == exponent(currency)
