"""The totals by day, kept from events a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC

from django.db import connection

from analytics.rules import figures_of
from events.types import RecordedEvent
from kernel.db import ROOT

_ADD = (ROOT / "analytics/sql/day_totals.sql").read_text()


def add_to_day_totals(events: Sequence[RecordedEvent]) -> None:
    """Add what these events say to the totals of their UTC day of play time, in the caller's transaction."""
    figures = [
        {
            "day": event.occurred_at.astimezone(UTC).date().isoformat(),
            "currency": event.payload["currency"],
            "player_id": event.player_id,
            **figures_of(event.type, event.payload),
        }
        for event in events
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, {"figures": json.dumps(figures, default=str)})
