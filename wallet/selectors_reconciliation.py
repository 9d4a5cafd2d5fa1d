"""Reads of the reconciliation desk."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from kernel.money import Money
from wallet.models_reconciliation import LiabilityDay
from wallet.types import AccountKind
from wallet.types_reconciliation import LiabilityLine


def list_liability(*, currency: str, limit: int = 90) -> list[LiabilityLine]:
    """Newest day first."""
    days: dict[date, dict[str, Money]] = defaultdict(dict)
    rows = LiabilityDay.objects.filter(currency=currency).order_by("-day")[: limit * len(AccountKind)]
    for row in rows:
        days[row.day][row.kind] = Money(row.total_minor, currency)
    nothing = Money.zero(currency)
    return [
        LiabilityLine(
            day,
            kinds.get(AccountKind.REAL, nothing),
            kinds.get(AccountKind.BONUS, nothing),
            kinds.get(AccountKind.HELD, nothing),
        )
        for day, kinds in list(days.items())[:limit]
    ]


def list_liability_currencies() -> list[str]:
    newest = LiabilityDay.objects.order_by("-day").first()
    if newest is None:
        return []
    return sorted(set(LiabilityDay.objects.filter(day=newest.day).values_list("currency", flat=True)))
