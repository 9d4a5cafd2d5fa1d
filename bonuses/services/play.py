"""What players staked and won by day, kept from the log a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from events.catalogue.wallet import BetPlaced, WinCredited
from events.types import RecordedEvent
from kernel.currencies import exponent
from kernel.db import ROOT

_KEEP = (ROOT / "bonuses/sql/play.sql").read_text()


def keep_play(events: Sequence[RecordedEvent]) -> None:
    """Add BetPlaced, WinCredited and BetRolledBack to the players' days and totals; only what was real money."""
    rows = [_row(event) for event in events if event.player_id]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"rows": json.dumps(rows)})


def _row(event: RecordedEvent) -> dict[str, Any]:
    said = event.payload
    digits = exponent(said["currency"])
    row = {
        "player_id": str(event.player_id),
        "at": event.occurred_at.isoformat(),
        "currency": said["currency"],
        "exponent": digits,
        "staked": "0",
        "won": "0",
        "eur": "0",
        "bet_at": None,
    }
    if event.type == BetPlaced.wire_name:
        return row | {"staked": said["real"], "eur": said["real_eur"] or "0", "bet_at": row["at"]}
    if event.type == WinCredited.wire_name:
        return row | {"won": said["real"]}
    return row | {"staked": f"-{said['real']}", "won": f"-{said['won_real']}", "eur": f"-{said['real_eur'] or '0'}"}
