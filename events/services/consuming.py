"""Consuming: a batch's effects and the cursor commit in one transaction, so every effect happens exactly once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from events.models import ConsumerCursor, DeadLetter
from events.ports import Consumer
from events.selectors import Cursor, get_cursor, read_log
from events.services.log import lock_players
from events.types import DeadLetterCause, DeadLetterState, RecordedEvent
from kernel.db import fetch_one

log = structlog.get_logger(__name__)

HEARTBEAT_S = 5.0
RATE_WINDOW_S = 30.0

# Errors of the surroundings, not of an event: the batch is tried again, nothing is parked.
TRANSIENT = (OperationalError, InterfaceError)


class StaleEpoch(RuntimeError):
    """The log was restored into another cluster: its xids mean nothing here."""


class Runner:
    """Runs one consumer, batch by batch. Two runners of one consumer never work at the same time: one stands by."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self._handled: deque[tuple[float, int]] = deque()
        self._beat_at = 0.0
        get_cursor(consumer.name)
        _check_epoch()

    def run_once(self, at: datetime) -> int:
        """Take one batch; the number of log entries moved past (0: nothing to do, paused, or another runner has it).

        Raises: OperationalError when the database is away; the batch is then untouched.
        """
        try:
            with transaction.atomic():
                return self._run(at)
        except TRANSIENT:
            raise
        except Exception as error:
            # The machinery itself failed (not a handler: those are parked). Keep it visible.
            self._note_error(error, at)
            raise

    def drain(self, at: datetime) -> int:
        """Run until nothing settled is left; the number of events taken."""
        taken = 0
        while batch := self.run_once(at):
            taken += batch
        return taken

    def _run(self, at: datetime) -> int:
        if not fetch_one("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 1))", [self.consumer.name])[0]:
            return 0
        state = ConsumerCursor.objects.get(name=self.consumer.name)
        if state.paused_at is not None:
            return 0
        before = Cursor(state.epoch, state.xid, state.position)
        events, after = read_log(before, self.consumer.wire_names, self.consumer.batch_size)
        if after == before:
            self._heartbeat(at)
            return 0
        if events:
            take_batch(self.consumer, events, at)
        elif not self._beat_due():
            # Nothing of interest went by: moving the cursor can wait for the next heartbeat.
            return 0
        self._move(after, len(events), at)
        return len(events)

    def _move(self, after: Cursor, handled: int, at: datetime) -> None:
        self._beat_at = time.monotonic()
        ConsumerCursor.objects.filter(name=self.consumer.name).update(
            epoch=after.epoch,
            xid=after.xid,
            position=after.position,
            handled=F("handled") + handled,
            rate_per_s=self._rate(handled),
            seen_at=at,
        )

    def _beat_due(self) -> bool:
        return time.monotonic() - self._beat_at >= HEARTBEAT_S

    def _heartbeat(self, at: datetime) -> None:
        if self._beat_due():
            self._beat_at = time.monotonic()
            ConsumerCursor.objects.filter(name=self.consumer.name).update(seen_at=at, rate_per_s=self._rate(0))

    def _rate(self, handled: int) -> float:
        moment = time.monotonic()
        self._handled.append((moment, handled))
        while moment - self._handled[0][0] > RATE_WINDOW_S:
            self._handled.popleft()
        span = max(moment - self._handled[0][0], 1.0)
        return round(sum(count for _, count in self._handled) / span, 1)

    def _note_error(self, error: Exception, at: datetime) -> None:
        log.exception("consumer failed", consumer=self.consumer.name)
        if not connection.in_atomic_block:
            ConsumerCursor.objects.filter(name=self.consumer.name).update(
                last_error=describe(error), last_error_at=at, seen_at=at
            )


def take_batch(consumer: Consumer, events: Sequence[RecordedEvent], at: datetime) -> None:
    """Apply a batch inside the caller's transaction; what cannot be applied is parked.

    A failing batch is split by player until the poisoned event is found; later events of that player park behind it.
    """
    if consumer.publishes:
        lock_players(event.player_id for event in events if event.player_id)
    blocked = _players_with_parked(consumer.name, events)
    waiting = [event for event in events if event.player_id in blocked]
    if waiting:
        _park(consumer, waiting, DeadLetterCause.BEHIND, "", at)
    free = [event for event in events if event.player_id not in blocked]
    if free:
        _apply_or_split(consumer, free, at)


def apply(consumer: Consumer, events: Sequence[RecordedEvent]) -> None:
    """Handle events under a savepoint: all of them or none."""
    with transaction.atomic():
        consumer.handle(events)
        # Foreign keys are checked at commit: too late to say which event broke one, and it would come again for ever.
        connection.check_constraints()


def describe(error: Exception) -> str:
    """An error as kept in a dead letter: its type and message, cut to what a person reads."""
    return f"{type(error).__name__}: {error}"[:2000]


def _apply_or_split(consumer: Consumer, events: list[RecordedEvent], at: datetime) -> None:
    try:
        apply(consumer, events)
        return
    except TRANSIENT:
        raise
    except Exception as error:
        if len(events) == 1:
            log.warning("event parked", consumer=consumer.name, event_id=str(events[0].id), error=type(error).__name__)
            _park(consumer, events, DeadLetterCause.POISONED, describe(error), at)
            ConsumerCursor.objects.filter(name=consumer.name).update(last_error=describe(error), last_error_at=at)
            return
    for part in _split(events):
        _apply_or_split(consumer, part, at) if len(_owners(part)) > 1 else _apply_one_owner(consumer, part, at)


def _apply_one_owner(consumer: Consumer, events: list[RecordedEvent], at: datetime) -> None:
    """One player's events: the good ones before the poisoned one go on, the rest parks behind it."""
    try:
        apply(consumer, events)
        return
    except TRANSIENT:
        raise
    except Exception:
        if len(events) == 1:
            _apply_or_split(consumer, events, at)
            return
    for index, event in enumerate(events):
        _apply_or_split(consumer, [event], at)
        behind = events[index + 1 :]
        if behind and event.player_id and _players_with_parked(consumer.name, [event]):
            _park(consumer, behind, DeadLetterCause.BEHIND, "", at)
            return


def _owners(events: Sequence[RecordedEvent]) -> list[str]:
    """Whose events these are; an event of no player stands for itself."""
    return sorted({str(event.player_id or event.id) for event in events})


def _split(events: list[RecordedEvent]) -> list[list[RecordedEvent]]:
    """Two halves by player, each still in log order; one player's events stay together."""
    owners = _owners(events)
    if len(owners) == 1:
        return [events]
    first = set(owners[: len(owners) // 2])
    return [
        [event for event in events if (str(event.player_id or event.id) in first) is half] for half in (True, False)
    ]


def _players_with_parked(consumer: str, events: Sequence[RecordedEvent]) -> set[UUID | None]:
    players = {event.player_id for event in events if event.player_id}
    return set(
        DeadLetter.objects.filter(consumer=consumer, state=DeadLetterState.PARKED, player_id__in=players)
        .values_list("player_id", flat=True)
        .distinct()
    )


def _park(
    consumer: Consumer, events: Sequence[RecordedEvent], cause: DeadLetterCause, error: str, at: datetime
) -> None:
    DeadLetter.objects.bulk_create(
        DeadLetter(
            consumer=consumer.name,
            event_id=event.id,
            epoch=event.epoch,
            xid=event.xid,
            position=event.position,
            event_type=event.type,
            player_id=event.player_id,
            cause=cause,
            error=error,
            attempts=1 if cause is DeadLetterCause.POISONED else 0,
            parked_at=at,
        )
        for event in events
    )


def _check_epoch() -> None:
    if not fetch_one(
        "SELECT (SELECT system_identifier FROM events_epoch ORDER BY number DESC LIMIT 1)"
        " = (SELECT system_identifier FROM pg_control_system())"
    )[0]:
        raise StaleEpoch(
            "This log comes from another PostgreSQL cluster (a restored dump?): its transaction ids mean nothing here."
            " Stop all writers, run `manage.py events new-epoch`, then start the consumers."
        )
