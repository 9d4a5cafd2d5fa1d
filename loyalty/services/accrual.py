"""Accrual: turnover, points and levels from bets and rollbacks, a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from events.catalogue.base import Event
from events.catalogue.loyalty import LevelChanged, PointsAccrued
from events.catalogue.wallet import BetPlaced
from events.services.log import publish_many
from events.types import RecordedEvent
from kernel.db import ROOT, fetch_all
from loyalty.types import EntryKind

EXCLUSIVE = "exclusive"
TURNOVER_DECIMALS = 6

_ACCRUE = (ROOT / "loyalty/sql/accrue.sql").read_text()


class TurnoverUnknown(ValueError):
    """The bet's real stake has no usable amount in EUR: none, or one with more decimals than turnover is kept with."""


def accrue(events: Sequence[RecordedEvent]) -> None:
    """Count BetPlaced and BetRolledBack, given in log order, in the caller's transaction, which holds their players.

    Turnover is the real-money stake in EUR. Points are turnover × game coefficient × the multiplier of the level before
    the bet; a rollback takes back exactly what its bet moved. Publishes PointsAccrued per player whose points or
    turnover moved, and each LevelChanged. Raises: TurnoverUnknown.
    """
    rows = [_row(number, event) for number, event in enumerate(events)]
    publish_many([event for player in fetch_all(_ACCRUE, {"events": json.dumps(rows)}) for event in _reports(player)])


def _row(number: int, event: RecordedEvent) -> dict[str, Any]:
    row = {
        "number": number,
        "id": str(event.id),
        "player_id": str(event.player_id),
        "bet_id": event.payload["bet_id"],
        "occurred_at": event.occurred_at.isoformat(),
    }
    if event.type != BetPlaced.wire_name:
        return row | {"kind": EntryKind.ROLLBACK}
    game = EXCLUSIVE if event.payload["exclusive"] else event.payload["category"]
    return row | {"kind": EntryKind.BET, "game": game, "real_eur": _turnover(event)}


def _turnover(event: RecordedEvent) -> str:
    text: str | None = event.payload["real_eur"]
    if text is None:
        raise TurnoverUnknown(
            f"bet {event.payload['bet_id']}: no exchange rate from {event.payload['currency']} to EUR"
        )
    if len(text.partition(".")[2]) > TURNOVER_DECIMALS:
        raise TurnoverUnknown(f"bet {event.payload['bet_id']}: {text} EUR has more than {TURNOVER_DECIMALS} decimals")
    return text


def _reports(player: dict[str, Any]) -> Iterator[Event]:
    if player["points"] or player["turnover_eur"]:
        yield PointsAccrued(
            player_id=player["player_id"],
            occurred_at=player["occurred_at"],
            points=player["points"],
            balance=player["points_after"],
            turnover_eur=player["turnover_eur"],
        )
    for change in json.loads(player["level_changes"] or "[]"):
        yield LevelChanged(
            player_id=player["player_id"],
            occurred_at=datetime.fromisoformat(change["at"]),
            from_level=change["from"],
            to_level=change["to"],
            reason="turnover" if change["kind"] == EntryKind.BET else "rollback",
            turnover_eur=Decimal(change["turnover_eur"]),
        )
