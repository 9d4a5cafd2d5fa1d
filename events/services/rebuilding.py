"""Rebuilding a projection from the log: into shadow tables, then compared, then swapped.

The shadows are temporary tables of the same names: PostgreSQL looks there first, so the projection's own handler
writes to them unchanged. Killing a rebuild leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from events.models import ConsumerCursor, DeadLetter
from events.ports import Consumer, get_consumer
from events.selectors import Cursor, get_cursor, read_log
from events.services.log import publishing_off
from events.types import ConsumerKind, DeadLetterState
from kernel.db import fetch_one

BATCH = 2000


class NotAProjection(ValueError):
    """Only projections can be rebuilt: a reactor's effects on others would happen twice."""


class RebuildOvertaken(RuntimeError):
    """A dead letter that the rebuild had left out was replayed before it could compare."""


@dataclass(frozen=True)
class Rebuild:
    """What a rebuild found: rows that only the live table has, rows that only the log gives."""

    events: int
    only_live: dict[str, int]
    only_rebuilt: dict[str, int]
    swapped: bool

    @property
    def equal(self) -> bool:
        return not any(self.only_live.values()) and not any(self.only_rebuilt.values())


def rebuild(name: str, *, swap: bool, progress: Callable[[int], None] = lambda done: None) -> Rebuild:
    """Rebuild the projection ``name`` from event zero; the live consumer goes on until the comparison.

    With ``swap`` the differing rows of the live tables are replaced (needs the database's owner). ``progress`` is
    called with the number of events applied so far. Raises: NotAProjection, UnknownConsumer, RebuildOvertaken.
    """
    consumer = get_consumer(name)
    if consumer.kind is not ConsumerKind.PROJECTION:
        raise NotAProjection(f"{name} is a reactor; only projections are rebuilt.")
    state = get_cursor(name)
    skipped = _skipped(name)
    try:
        _create_shadows(consumer)
        with publishing_off():
            place, done = _apply_until(consumer, Cursor(), _cursor(state), set(skipped), 0, progress)
            with transaction.atomic():
                # The live consumer waits here, so that both stand at the same event.
                fetch_one("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))::text", [name])
                state.refresh_from_db()
                now_skipped = _skipped(name)
                if _up_to(place, skipped) != _up_to(place, now_skipped):
                    raise RebuildOvertaken(f"Dead letters of {name} were replayed meanwhile; start the rebuild again.")
                place, done = _apply_until(consumer, place, _cursor(state), set(now_skipped), done, progress)
                only_live, only_rebuilt = _compare(consumer)
                differs = any(only_live.values()) or any(only_rebuilt.values())
                if differs and swap:
                    _swap(consumer)
        return Rebuild(done, only_live, only_rebuilt, swapped=differs and swap)
    finally:
        _drop_shadows(consumer)


def _cursor(state: ConsumerCursor) -> Cursor:
    return Cursor(state.epoch, state.xid, state.position)


def _skipped(name: str) -> dict[UUID, Cursor]:
    """Events that the live consumer has passed without applying them, and their places in the log."""
    letters = DeadLetter.objects.filter(consumer=name, state__in=[DeadLetterState.PARKED, DeadLetterState.DISCARDED])
    return {letter.event_id: Cursor(letter.epoch, letter.xid, letter.position) for letter in letters}


def _up_to(place: Cursor, events: dict[UUID, Cursor]) -> set[UUID]:
    return {event_id for event_id, at in events.items() if at <= place}


def _apply_until(
    consumer: Consumer, place: Cursor, until: Cursor, skipped: set[UUID], done: int, progress: Callable[[int], None]
) -> tuple[Cursor, int]:
    while place < until:
        events, place = read_log(place, consumer.wire_names, BATCH, until)
        wanted = [event for event in events if event.id not in skipped]
        if wanted:
            with transaction.atomic():
                consumer.handle(wanted)
        done += len(wanted)
        progress(done)
    return place, done


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _create_shadows(consumer: Consumer) -> None:
    for table in consumer.tables:
        _execute(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL)")
    # PL/pgSQL keeps the plans of a session: without this, functions that ran before would write to the live tables.
    _execute("DISCARD PLANS")


def _drop_shadows(consumer: Consumer) -> None:
    for table in consumer.tables:
        _execute(f"DROP TABLE IF EXISTS pg_temp.{table}")


def _compare(consumer: Consumer) -> tuple[dict[str, int], dict[str, int]]:
    def missing(table: str, left: str, right: str) -> int:
        count: int = fetch_one(
            f"SELECT count(*) FROM (SELECT * FROM {left}.{table} EXCEPT ALL SELECT * FROM {right}.{table}) AS rows"
        )[0]
        return count

    return (
        {table: missing(table, "public", "pg_temp") for table in consumer.tables},
        {table: missing(table, "pg_temp", "public") for table in consumer.tables},
    )


def _swap(consumer: Consumer) -> None:
    for table in consumer.tables:
        _execute(f"ALTER TABLE public.{table} DISABLE TRIGGER USER")
        _execute(
            f"""DELETE FROM public.{table} AS live USING
                (SELECT * FROM public.{table} EXCEPT ALL SELECT * FROM pg_temp.{table}) AS wrong
                WHERE live = wrong"""  # whole rows: NULL equals NULL here, and it can be hashed
        )
        _execute(
            f"""INSERT INTO public.{table}
                SELECT * FROM (SELECT * FROM pg_temp.{table} EXCEPT ALL SELECT * FROM public.{table}) AS missing"""
        )
        _execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with foreign keys still to be checked cannot be altered
        _execute(f"ALTER TABLE public.{table} ENABLE TRIGGER USER")
