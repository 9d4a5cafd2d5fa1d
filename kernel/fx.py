"""Exchange rates: published per euro and day, recorded once, and money converted by them.

Rates are append-only. A day without a rate takes the last one before it, at most MAX_AGE old: older rates say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from django.db import transaction
from lxml import etree

from kernel import models_fx
from kernel.currencies import UnknownCurrency, exponent
from kernel.errors import DomainError
from kernel.money import Money

EURO = "EUR"
MAX_AGE = timedelta(days=7)
MAX_FILE_BYTES = 20_000_000  # the ECB's whole history since 1999 has some 7 MB


class RateMissing(DomainError):
    """No rate of the last seven days is known for a currency. Import the newest rates (`manage.py import_rates`)."""

    code = "rate_missing"
    title = "There is no exchange rate"
    status = 503


class BadRates(ValueError):
    """The file is not what the European Central Bank publishes. The text says where it goes wrong."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_euro`` units of ``currency`` for one euro, published for ``day``. ``id`` is None for the euro itself."""

    id: int | None
    currency: str
    day: date
    per_euro: Decimal


def find_rate(currency: str, at: datetime) -> Rate | None:
    """The rate in force at a moment; None when the last one is older than MAX_AGE."""
    if currency == EURO:
        return Rate(None, EURO, at.date(), Decimal(1))
    rows = models_fx.ExchangeRate.objects.filter(currency=currency, day__lte=at.date(), day__gte=at.date() - MAX_AGE)
    row = rows.order_by("-day").first()
    return Rate(row.id, currency, row.day, row.per_euro) if row else None


def convert(amount: Money, currency: str, at: datetime) -> Money:
    """The amount in another currency at the rates in force, rounded half to even. Raises: RateMissing."""
    if amount.currency == currency:
        return amount
    major = amount.major / _rate(amount.currency, at) * _rate(currency, at)
    minor = major.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_EVEN)
    return Money(int(minor), currency)


def record_rates(*, rates: Mapping[date, Mapping[str, Decimal]], source: str, at: datetime) -> int:
    """Keep what is not kept yet; how many were new. A rate that is known stays, whatever is said of it later."""
    rows = [
        models_fx.ExchangeRate(currency=currency, day=day, per_euro=per_euro, source=source, recorded_at=at)
        for day, of_day in rates.items()
        for currency, per_euro in of_day.items()
    ]
    with transaction.atomic():
        before = models_fx.ExchangeRate.objects.count()
        models_fx.ExchangeRate.objects.bulk_create(rows, ignore_conflicts=True, batch_size=5_000)
        return models_fx.ExchangeRate.objects.count() - before


def read_ecb(content: bytes) -> dict[date, dict[str, Decimal]]:
    """Read the European Central Bank's reference rates (eurofxref*.xml). Raises: BadRates; nothing is kept then.

    Currencies that this system does not know are passed over.
    """
    if len(content) > MAX_FILE_BYTES:
        raise BadRates(f"The file has more than {MAX_FILE_BYTES:,} bytes.")
    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise BadRates(f"This is no XML: {error}") from None
    if root.getroottree().docinfo.doctype:
        raise BadRates("It has a document type: the bank's files have none.")
    rates: dict[date, dict[str, Decimal]] = {}
    for of_day in root.iter("{*}Cube"):
        if "time" not in of_day.attrib:
            continue
        rates[_day(of_day.get("time"))] = {
            code: _per_euro(code, cube.get("rate"))
            for cube in of_day.iter("{*}Cube")
            if (code := cube.get("currency")) and _is_known(code)
        }
    if not any(rates.values()):
        raise BadRates("There are no rates in it: Cube elements with time, currency and rate are expected.")
    return rates


def _rate(currency: str, at: datetime) -> Decimal:
    rate = find_rate(currency, at)
    if rate is None:
        raise RateMissing(
            f"No rate of {currency} is known for {at.date()} or the {MAX_AGE.days} days before.", currency=currency
        )
    return rate.per_euro


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        raise BadRates(f"{text!r:.40} is no day.") from None


def _per_euro(currency: str, text: str | None) -> Decimal:
    try:
        per_euro = Decimal(text or "")
    except InvalidOperation:
        per_euro = Decimal(0)
    if not (per_euro.is_finite() and 0 < per_euro < 10**9):
        raise BadRates(f"The rate of {currency} is {text!r:.40}: a number above zero is expected.")
    return per_euro


def _is_known(currency: str) -> bool:
    try:
        exponent(currency)
    except UnknownCurrency:
        return False
    return True
