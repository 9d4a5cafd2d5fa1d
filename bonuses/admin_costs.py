"""What offers cost: a page and its CSV. Its addresses hang below the offers' (``admin_offers``)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from bonuses.selectors_costs import CostLine, list_costs
from kernel import clock
from kernel.money import Money, total
from kernel.streaming import csv_download
from wallet.selectors import sum_house
from wallet.types import AccountKind


class PeriodForm(forms.Form):
    """Days are UTC, both included."""

    since = forms.DateField(label="First day (UTC)", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="Last day (UTC)", widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, object]:
        values = super().clean() or self.cleaned_data
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", "The last day is before the first.")
        return values


def costs(request: HttpRequest) -> tuple[dict[str, object], HttpResponseBase | None]:
    """The page's context; or the file, where that is asked for."""
    today = clock.now().date()
    given = request.GET if "since" in request.GET else {"since": str(today - timedelta(days=29)), "until": str(today)}
    form = PeriodForm(given)
    lines: list[CostLine] = []
    if form.is_valid():
        since = datetime.combine(form.cleaned_data["since"], time(), UTC)
        until = datetime.combine(form.cleaned_data["until"], time(), UTC) + timedelta(days=1)
        lines = list_costs(since=since, until=until)
        if "csv" in request.GET:
            name = f"bonus-costs-{form.cleaned_data['since']}-{form.cleaned_data['until']}.csv"
            return {}, csv_download(request, _csv(lines), name)
    currencies = sorted({line.given.currency for line in lines})
    context: dict[str, object] = {
        "form": form,
        "lines": lines,
        "totals": [(currency, *_totals(lines, currency)) for currency in currencies],
        "ledger": [-amount for amount in sum_house(AccountKind.BONUS_COST).values()],
        "query": form.data,
    }
    return context, None


def _totals(lines: list[CostLine], currency: str) -> list[Money]:
    """Given, came back, cost, became real, in purses: in the order of the page's columns."""
    rows = [line for line in lines if line.given.currency == currency]
    return [
        total((line.given for line in rows), currency),
        total((line.came_back for line in rows), currency),
        total((line.cost for line in rows), currency),
        total((line.redeemed for line in rows), currency),
        total((line.open_amount for line in rows), currency),
    ]


def _csv(lines: list[CostLine]) -> Iterator[bytes]:
    heads = ("offer", "currency", "grants", "given", "spins", "spins_worth", "forfeited_grants", "expired_grants",
             "came_back", "cost", "redeemed_grants", "redeemed", "open_grants", "open_amount")  # fmt: skip
    yield (",".join(heads) + "\r\n").encode()
    for line in lines:
        out = io.StringIO()
        csv.writer(out).writerow(
            [line.offer, line.given.currency, line.grants, line.given, line.spins, line.spins_worth, line.forfeited_grants,
             line.expired_grants, line.came_back, line.cost, line.redeemed_grants, line.redeemed, line.open_grants,
             line.open_amount]
        )  # fmt: skip
        yield out.getvalue().encode()
