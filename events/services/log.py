"""Publishing: the only way out of a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from psycopg.types.json import Jsonb

from events.catalogue.base import Event
from kernel.context import request_id
from kernel.db import fetch_one

_LOCK_RULE = "PM002"

_rebuilding: ContextVar[bool] = ContextVar("rebuilding", default=False)


class LockRuleBroken(RuntimeError):
    """A transaction wrote before it held its players, or published for a player it does not hold."""


@contextmanager
def _lock_rule() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == _LOCK_RULE:
            raise LockRuleBroken(str(error)) from error
        raise


def lock_players(player_ids: Iterable[UUID]) -> None:
    """Hold these players until the transaction ends. Call it before the transaction's first write.

    Taken in sorted order, so two transactions never wait for each other. Raises: LockRuleBroken.
    """
    if not connection.in_atomic_block:
        raise LockRuleBroken("lock_players needs a transaction around it")
    players = sorted(set(player_ids))
    if players:
        with _lock_rule():
            fetch_one("SELECT events_lock_players(%s::uuid[])", [players])


def publish(event: Event) -> UUID | None:
    """Append ``event`` to the log in the caller's transaction; its id. Raises: LockRuleBroken.

    While a projection is rebuilt nothing is published and None comes back.
    """
    if _rebuilding.get():
        return None
    if not connection.in_atomic_block:
        raise LockRuleBroken("publish needs the transaction of the change that it reports")
    with _lock_rule():
        event_id: UUID = fetch_one(
            "SELECT events_append(%s, %s, %s, %s, %s)",
            [event.wire_name, event.player_id, event.occurred_at, Jsonb(event.payload()), request_id.get()],
        )[0]
    return event_id


def publish_many(events: Sequence[Event]) -> None:
    """Append events in this order, in the caller's transaction and one round trip. Raises: LockRuleBroken.

    While a projection is rebuilt nothing is published.
    """
    if _rebuilding.get() or not events:
        return
    if not connection.in_atomic_block:
        raise LockRuleBroken("publish_many needs the transaction of the changes that it reports")
    rows = [
        {
            "type": event.wire_name,
            "player_id": event.player_id and str(event.player_id),
            "occurred_at": event.occurred_at.isoformat(),
            "payload": event.payload(),
        }
        for event in events
    ]
    with _lock_rule():
        fetch_one("SELECT events_append_many(%s, %s)::text", [Jsonb(rows), request_id.get()])


def is_rebuilding() -> bool:
    """Whether a projection is being rebuilt: then it writes its own tables, and does nothing to others."""
    return _rebuilding.get()


@contextmanager
def publishing_off() -> Iterator[None]:
    """For rebuilds: what is published inside goes nowhere."""
    token = _rebuilding.set(True)
    try:
        yield
    finally:
        _rebuilding.reset(token)


@contextmanager
def holding(*player_ids: UUID) -> Iterator[None]:
    """One transaction that holds these players: the usual frame of a service."""
    with transaction.atomic():
        lock_players(player_ids)
        yield
