"""Events that wallet publishes of players' means of payment."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class InstrumentRegistered(Event):
    """A means of payment was named to be paid to. Those that a player pays in with come with the deposit."""

    wire_name = "wallet.instrument-registered.v1"
    instrument_id: UUID
    provider: str
    actor: str
