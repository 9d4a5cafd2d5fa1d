"""Events that the event machinery itself publishes."""

from __future__ import annotations

from dataclasses import dataclass

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class ConsumerChanged(Event):
    """Staff paused or resumed a consumer, or a dead letter was amended, replayed or discarded. Concerns no player."""

    wire_name = "events.consumer-changed.v1"
    consumer: str
    change: str
    actor: str
    reason: str
