"""Money: an exact amount in minor units of one currency. Never a float."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from kernel.currencies import exponent

# Far above any real balance, far below bigint's end: sums of a million of these still fit.
MAX_AMOUNT_MINOR = 10**12

_DECIMAL = re.compile(r"[+-]?[0-9]{1,16}(\.[0-9]{1,4})?")


class InvalidAmount(ValueError):
    """The text is not an amount of money in this currency."""


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were combined."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """``amount_minor`` minor units (cents) of ``currency`` (ISO 4217)."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise InvalidAmount(f"amount_minor must be an integer, not {type(self.amount_minor).__name__}.")
        exponent(self.currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a decimal string in major units ("12.34"). Raises: InvalidAmount, UnknownCurrency.

        More decimals than the currency has are refused, not rounded; so is anything but plain digits.
        """
        digits = exponent(currency)
        if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
            raise InvalidAmount(
                f'Write the amount as a decimal string in major units, such as "12.34", not {text!r:.40}.'
            )
        minor = Decimal(text).scaleb(digits)
        if minor != minor.to_integral_value():
            raise InvalidAmount(f"{currency} has {digits} decimals; {text} has more.")
        if abs(minor) > MAX_AMOUNT_MINOR:
            raise InvalidAmount(f"{text} {currency} is beyond the largest amount of one movement.")
        return cls(int(minor), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact, with as many decimals as the currency has."""
        return Decimal(self.amount_minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        """The decimal string used on every wire, without the currency: "12.34"."""
        return f"{self.major:f}"

    def __add__(self, other: Money) -> Money:
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount_minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount_minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount_minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount_minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount_minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount_minor >= self._same(other)

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be combined without an exchange rate.")
        return other.amount_minor


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Sum of the amounts; zero of ``currency`` when there are none. Raises: CurrencyMismatch."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result
