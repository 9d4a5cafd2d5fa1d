"""Reads of the log and of its consumers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count

from events.models import ConsumerCursor, DeadLetter, Event
from events.ports import Consumer, get_consumer, list_consumers
from events.types import ConsumerLag, DeadLetterState, RecordedEvent
from kernel.db import fetch_all, fetch_one
from kernel.errors import NotFound

COUNT_UP_TO = 10_000

_COLUMNS = """e.id, e.epoch, e.xid, e.position, e.type, e.player_id, e.shard, e.occurred_at, e.request_id,
    coalesce((SELECT a.payload FROM events_amendment a WHERE a.event_id = e.id ORDER BY a.id DESC LIMIT 1),
             e.payload)::text AS payload"""


@dataclass(frozen=True, order=True, slots=True)
class Cursor:
    """A place in the log's order."""

    epoch: int = 0
    xid: int = 0
    position: int = 0


def cursor_of(event: RecordedEvent) -> Cursor:
    return Cursor(event.epoch, event.xid, event.position)


def read_log(
    after: Cursor, wire_names: Sequence[str], limit: int, until: Cursor | None = None
) -> tuple[list[RecordedEvent], Cursor]:
    """Settled events of these types after a cursor, in order; and the cursor of all that was looked at.

    Only rows below the horizon are taken, and the horizon is that of the same statement. ``until`` stops there, inclusive.
    """
    # The cursor comes from a subquery: of a constant the planner thinks that no row has a higher epoch, and then reads
    # and sorts all that waits for every batch.
    # One statement, one snapshot: the tail is what this read has looked at when it found fewer than ``limit``.
    rows = fetch_all(
        f"""
        WITH bound AS MATERIALIZED (
            SELECT events_current_epoch() AS epoch, events_horizon() AS xid, %(epoch)s::smallint AS after_epoch,
                   %(xid)s::bigint AS after_xid, %(position)s::bigint AS after_position
        ),
        found AS (
            SELECT {_COLUMNS} FROM events_event e
            WHERE (e.epoch, e.xid, e.position) > ((SELECT after_epoch FROM bound), (SELECT after_xid FROM bound),
                                                  (SELECT after_position FROM bound))
              AND (e.epoch, e.xid) < ((SELECT epoch FROM bound), (SELECT xid FROM bound))
              AND (%(until_epoch)s::int IS NULL
                   OR (e.epoch, e.xid, e.position) <= (%(until_epoch)s, %(until_xid)s, %(until_position)s))
              AND e.type = ANY(%(types)s)
            ORDER BY e.epoch, e.xid, e.position LIMIT %(limit)s
        ), tail AS (
            SELECT e.epoch, e.xid, e.position FROM events_event e
            WHERE (e.epoch, e.xid) < ((SELECT epoch FROM bound), (SELECT xid FROM bound))
            ORDER BY e.epoch DESC, e.xid DESC, e.position DESC LIMIT 1
        )
        SELECT found.*, tail.epoch AS tail_epoch, tail.xid AS tail_xid, tail.position AS tail_position
        FROM tail LEFT JOIN found ON true ORDER BY found.epoch, found.xid, found.position
        """,
        {
            "epoch": after.epoch,
            "xid": after.xid,
            "position": after.position,
            "types": list(wire_names),
            "limit": limit,
            "until_epoch": until.epoch if until else None,
            "until_xid": until.xid if until else None,
            "until_position": until.position if until else None,
        },
    )
    if not rows:
        return [], after
    events = [_recorded(row) for row in rows if row["id"] is not None]
    if len(events) == limit:
        return events, cursor_of(events[-1])
    tail = Cursor(rows[0]["tail_epoch"], rows[0]["tail_xid"], rows[0]["tail_position"])
    return events, max(after, min(tail, until) if until else tail)


def _recorded(row: dict[str, Any]) -> RecordedEvent:
    return RecordedEvent(
        id=row["id"],
        epoch=row["epoch"],
        xid=row["xid"],
        position=row["position"],
        type=row["type"],
        player_id=row["player_id"],
        shard=row["shard"],
        occurred_at=row["occurred_at"],
        payload=json.loads(row["payload"]),
        request_id=row["request_id"],
    )


def get_event(event_id: UUID) -> RecordedEvent:
    """The event with its newest amendment. Raises: NotFound."""
    rows = fetch_all(f"SELECT {_COLUMNS} FROM events_event e WHERE e.id = %s", [event_id])
    if not rows:
        raise NotFound(f"There is no event {event_id}.")
    return _recorded(rows[0])


def list_player_events(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[Event]:
    """A player's newest events, newest first, older than ``before``."""
    events = Event.objects.filter(player_id=player_id)
    if before:
        events = events.filter(id__lt=before)
    return list(events.order_by("-id")[:limit])


def get_cursor(name: str) -> ConsumerCursor:
    """The consumer's cursor row, made at its first use."""
    return ConsumerCursor.objects.get_or_create(name=name)[0]


def list_parked(consumer: str, player_id: UUID | None) -> list[DeadLetter]:
    """What is parked for one player, in log order."""
    return list(
        DeadLetter.objects.filter(consumer=consumer, player_id=player_id, state=DeadLetterState.PARKED).order_by(
            "epoch", "xid", "position"
        )
    )


def list_dead_letters(consumer: str | None = None, limit: int = 1000) -> list[DeadLetter]:
    """Parked letters, in log order."""
    letters = DeadLetter.objects.filter(state=DeadLetterState.PARKED)
    if consumer:
        letters = letters.filter(consumer=consumer)
    return list(letters.order_by("consumer", "epoch", "xid", "position")[:limit])


def list_lags(at: datetime) -> list[ConsumerLag]:
    """How far every registered consumer is behind the log."""
    cursors = {cursor.name: cursor for cursor in ConsumerCursor.objects.all()}
    parked = _parked_by_consumer()
    return [
        _lag(consumer, cursors.get(consumer.name), parked.get(consumer.name, 0), at) for consumer in list_consumers()
    ]


def get_lag(name: str, at: datetime) -> ConsumerLag:
    """Raises: events.ports.UnknownConsumer."""
    parked = DeadLetter.objects.filter(consumer=name, state=DeadLetterState.PARKED).count()
    return _lag(get_consumer(name), ConsumerCursor.objects.filter(name=name).first(), parked, at)


def _parked_by_consumer() -> dict[str, int]:
    letters = DeadLetter.objects.filter(state=DeadLetterState.PARKED)
    return dict(letters.values_list("consumer").annotate(parked=Count("id")))


def _lag(consumer: Consumer, cursor: ConsumerCursor | None, parked: int, at: datetime) -> ConsumerLag:
    cursor = cursor or ConsumerCursor(name=consumer.name)
    behind, oldest_at = fetch_one(
        """
        SELECT count(*), min(at) FROM (
            SELECT kernel_uuid7_at(id) AS at FROM events_event
            WHERE (epoch, xid, position) > (%s, %s, %s) AND type = ANY(%s)
            ORDER BY epoch, xid, position LIMIT %s) AS waiting
        """,
        [cursor.epoch, cursor.xid, cursor.position, consumer.wire_names, COUNT_UP_TO],
    )
    alive = cursor.seen_at is not None and at - cursor.seen_at < timedelta(seconds=30)
    return ConsumerLag(
        name=consumer.name,
        kind=consumer.kind,
        events_behind=behind,
        seconds_behind=max((at - oldest_at).total_seconds(), 0.0) if oldest_at else 0.0,
        rate_per_s=cursor.rate_per_s if alive else 0.0,
        handled=cursor.handled,
        parked=parked,
        paused=cursor.paused_at is not None,
        pause_reason=cursor.pause_reason,
        last_error=cursor.last_error,
        last_error_at=cursor.last_error_at,
        seen_at=cursor.seen_at,
    )
