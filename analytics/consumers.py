"""What analytics reads from the log."""

from __future__ import annotations

from analytics.rules import FIGURES
from analytics.services.day_totals import add_to_day_totals
from events.ports import Consumer
from events.types import ConsumerKind

CONSUMERS = (
    Consumer(
        name="analytics.day-totals",
        events=tuple(FIGURES),
        handle=add_to_day_totals,
        kind=ConsumerKind.PROJECTION,
        tables=("analytics_daytotals", "analytics_playerday"),
        batch_size=2000,
    ),
)
