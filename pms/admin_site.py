"""The back office as a site: its name and its home page."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.response import TemplateResponse
from unfold.sites import UnfoldAdminSite

from analytics.live import FIGURES, current_snapshot
from analytics.selectors import list_days
from kernel import clock
from kernel.admin import may, staff_actor

CHART_DAYS = 30


class BackOffice(UnfoldAdminSite):
    """Django's admin on Unfold, with a home page that lives."""

    index_title = "Home"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        at = clock.now()
        home = current_snapshot(at).for_actor(staff_actor(request))
        chart = json.dumps(self._chart(at.astimezone(UTC).date())) if may(request, FIGURES) else ""
        return super().index(request, {"home": home, "chart": chart, "chart_days": CHART_DAYS, **(extra_context or {})})

    def _chart(self, today: Any) -> dict[str, Any]:
        """Stakes and GGR of each of the last days, in major units, for the eye: figures to count with are elsewhere."""
        currency = settings.PLAYER_CURRENCIES[0]
        first = today - timedelta(days=CHART_DAYS - 1)
        known = {totals.day: totals for totals in list_days(first, today, currency=currency)}
        days = [first + timedelta(days=n) for n in range(CHART_DAYS)]
        return {
            "currency": currency,
            "days": [day.isoformat() for day in days],
            "stakes": [float(known[day].stakes_real.major) if day in known else 0 for day in days],
            "ggr": [float(known[day].ggr.major) if day in known else 0 for day in days],
        }
