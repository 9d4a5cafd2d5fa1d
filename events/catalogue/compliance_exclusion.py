"""Events of exclusion that compliance publishes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class PlayerExcluded(Event):
    """A player may not play from now on. ``kind``: panic, cooling_off, self, third_party, operator, register.

    ``active_until`` None: until it is ended on request. What is on its way to the player (messages, offers) stops.
    """

    wire_name = "compliance.player-excluded.v1"
    exclusion_id: UUID
    kind: str
    term: str
    active_until: datetime | None
    bets_returned: int


@dataclass(frozen=True, kw_only=True)
class ExclusionEndRequested(Event):
    """Somebody asked to end an exclusion. ``due_at``: to be answered by then."""

    wire_name = "compliance.exclusion-end-requested.v1"
    exclusion_id: UUID
    request_id: UUID
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ExclusionEndDecided(Event):
    """A request was accepted or refused (``state``). Accepted, the exclusion ends at ``takes_effect_at``, not before."""

    wire_name = "compliance.exclusion-end-decided.v1"
    exclusion_id: UUID
    request_id: UUID
    state: str
    takes_effect_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ExclusionEnded(Event):
    """An exclusion is over: its time (``expired``), an accepted request (``requested``), the register (``register``)."""

    wire_name = "compliance.exclusion-ended.v1"
    exclusion_id: UUID
    kind: str
    how: str


@dataclass(frozen=True, kw_only=True)
class ExcludedAccountClosed(Event):
    """The account of an excluded player was closed, its balance sent to where it came from. ``late``: after its time."""

    wire_name = "compliance.excluded-account-closed.v1"
    exclusion_id: UUID
    late: bool
