"""How values look in the back office's templates; the same functions that the lists use."""

from __future__ import annotations

from decimal import Decimal

from django import template

from kernel import display
from kernel.money import Money

register = template.Library()

register.filter("chip", display.chip)
register.filter("human", display.human)
register.filter("when", display.when)
register.filter("money", display.money)
register.filter("pretty_json", display.pretty_json)
register.filter("copyable", display.copyable)


@register.filter
def change(amount: Money) -> str:
    """Money with its sign: a movement rather than a balance."""
    return display.money(amount, signed=True)


@register.filter
def grouped(value: int | float | Decimal | None) -> str:
    """A number with thousands apart, as many decimals as it has."""
    return "–" if value is None else f"{value:,}"


@register.filter
def percent(fraction: Decimal | float) -> str:
    """0.02 as "2 %"."""
    return f"{Decimal(str(fraction)) * 100:.2f}".rstrip("0").rstrip(".") + " %"


@register.filter
def lookup(mapping: dict[str, object], key: str) -> object:
    """One value of a mapping."""
    return mapping.get(key, key)
