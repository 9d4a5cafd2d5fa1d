"""A consumer of the tests' own, with a table of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
import pytest

from events import ports
from events.catalogue.players import RestrictionImposed, SettingChanged
from events.ports import Consumer
from events.services.log import holding, publish
from events.types import ConsumerKind, RecordedEvent
from kernel.db import fetch_all
from kernel.ids import uuid7
from tests.database import owner_url
from tests.factories import AT


@dataclass
class Probe:
    """Writes the name of each SettingChanged it takes to a table, in order; fails on the names it is told to."""

    poison: set[str] = field(default_factory=set)
    error: type[Exception] = ValueError
    batches: list[int] = field(default_factory=list)

    def handle(self, events: Sequence[RecordedEvent]) -> None:
        from django.db import connection

        self.batches.append(len(events))
        for event in events:
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO probe_seen (id, player_id, name) VALUES (%s, %s, %s)",
                    [event.id, event.player_id, event.payload["name"]],
                )
            if event.payload["name"] in self.poison:
                raise self.error(f"cannot take {event.payload['name']}")

    def seen(self, player_id: UUID | None = None) -> list[str]:
        where = "WHERE player_id = %s" if player_id else ""
        rows = fetch_all(f"SELECT name FROM probe_seen {where} ORDER BY no", [player_id] if player_id else [])
        return [row["name"] for row in rows]


@pytest.fixture
def probe(db: None, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """The consumer ``probe`` is registered for this test, alone."""
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute(
            "CREATE TABLE probe_seen (id uuid PRIMARY KEY, player_id uuid, name text NOT NULL, no serial NOT NULL)"
        )
    probe = Probe()
    consumer = Consumer(
        name="probe",
        events=(SettingChanged,),
        handle=probe.handle,
        kind=ConsumerKind.PROJECTION,
        tables=("probe_seen",),
        batch_size=100,
    )
    monkeypatch.setattr(ports, "_consumers", {"probe": consumer})
    return probe


def tell(name: str, player_id: UUID | None = None) -> UUID:
    """Publish a SettingChanged called ``name`` of this player, in a transaction of its own; the player."""
    player_id = player_id or uuid7()
    with holding(player_id):
        publish(SettingChanged(player_id=player_id, occurred_at=AT, name=name, actor="test"))
    return player_id


def tell_other(player_id: UUID) -> None:
    """Publish an event that the probe does not take."""
    with holding(player_id):
        publish(
            RestrictionImposed(
                player_id=player_id,
                occurred_at=AT,
                restriction_id="r",
                kind="play_block",
                source="t",
                active_until=None,
            )
        )
