"""Reads of the reconciliation desk."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from kernel.money import Money
from wallet.models import Account
from wallet.models_payments import Payout
from wallet.models_reconciliation import LiabilityCheck, LiabilityDay, Report, ReportRow
from wallet.types import AccountKind
from wallet.types_reconciliation import LiabilityCheckDetails, LiabilityDifference, LiabilityLine


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
            kinds.get(AccountKind.TOURNAMENT, nothing),
        )
        for day, kinds in list(days.items())[:limit]
    ]


def list_same_files(report_id: UUID) -> list[tuple[UUID, str, datetime]]:
    """Id, mapping's name and moment of upload of reports that hold this report's file, under other mappings; newest first."""
    same = Report.objects.filter(digest=Report.objects.filter(id=report_id).values("digest")[:1]).exclude(id=report_id)
    return list(same.order_by("-id").values_list("id", "mapping__name", "uploaded_at"))


def sum_fees(report_id: UUID) -> list[Money]:
    """What a report says that its provider took for itself, by currency."""
    rows = ReportRow.objects.filter(report_id=report_id, fee_minor__gt=0)
    sums = rows.order_by("currency").values_list("currency").annotate(Sum("fee_minor"))
    return [Money(minor, currency) for currency, minor in sums]


def find_withdrawal_of(payout_id: UUID) -> UUID | None:
    """The withdrawal that a payout is a part of."""
    found: UUID | None = Payout.objects.filter(id=payout_id).values_list("withdrawal_id", flat=True).first()
    return found


def get_liability_now(*, currency: str, at: datetime) -> LiabilityLine:
    """What the balances are at this moment; it costs a look at every purse that holds something."""
    sums = dict(
        Account.objects.filter(player_id__isnull=False, currency=currency, balance_minor__gt=0)
        .values_list("kind")
        .annotate(Sum("balance_minor"))
    )
    kinds = (AccountKind.REAL, AccountKind.BONUS, AccountKind.HELD, AccountKind.TOURNAMENT)
    return LiabilityLine(at.date(), *(Money(sums.get(kind, 0), currency) for kind in kinds))


def list_liability_currencies() -> list[str]:
    """Those of the last closed day; before the first is closed, those that players may hold."""
    newest = LiabilityDay.objects.order_by("-day").first()
    if newest is None:
        return sorted(settings.PLAYER_CURRENCIES)
    return sorted(set(LiabilityDay.objects.filter(day=newest.day).values_list("currency", flat=True)))


def find_last_check() -> LiabilityCheckDetails | None:
    """The newest comparison of the days' figures with the balances."""
    row = LiabilityCheck.objects.order_by("-id").first()
    if row is None:
        return None
    differences = tuple(
        LiabilityDifference(AccountKind(kind), Money(by_days, currency), Money(by_balances, currency))
        for kind, currency, by_days, by_balances in row.differences
    )
    return LiabilityCheckDetails(row.day, row.checked_at, differences)
