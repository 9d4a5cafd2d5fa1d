"""Types of the adapters: integrations, their keys and games, game sessions, the log of requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class AdapterProtocol(StrEnum):
    """How an aggregator talks to us."""

    HUB88 = "hub88"
    SWIPEGAMES = "swipegames"
    IGSP = "igsp"


class IntegrationStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"  # takes no bets any more; wins and rollbacks of earlier bets go on


@dataclass(frozen=True, slots=True)
class IntegrationDetails:
    """One aggregator's connection. ``currencies`` maps its codes to ours; empty: they are the same.

    ``amount_scale`` is how many of its units make one major unit, where it counts in integers.
    ``allowed_ips`` are addresses or networks; none: from anywhere.
    """

    code: str
    name: str
    protocol: AdapterProtocol
    status: IntegrationStatus
    currencies: dict[str, str]
    amount_scale: int
    allowed_ips: tuple[str, ...]

    @property
    def source(self) -> str:
        """Whose keys its transactions are in the ledger."""
        return f"adapter:{self.code}"


@dataclass(frozen=True, slots=True)
class LiveIntegration:
    """All that a request is judged by: the integration, its active keys in the clear, and its games by its codes."""

    details: IntegrationDetails
    keys: tuple[str, ...] = field(repr=False)
    games: dict[str, str]


@dataclass(frozen=True, slots=True)
class IntegrationKeyDetails:
    """One key, without the key itself. ``fingerprint`` tells keys apart."""

    id: int
    name: str
    fingerprint: str
    added_at: datetime
    added_by: str
    revoked_at: datetime | None
    revoked_by: str


@dataclass(frozen=True, slots=True)
class GameSessionDetails:
    """A player's admission to a game through one integration."""

    id: UUID
    player_id: UUID
    integration: str
    game: str
    currency: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def open_at(self, at: datetime) -> bool:
        return self.revoked_at is None and at < self.expires_at


@dataclass(frozen=True, slots=True)
class AdapterRequestDetails:
    """One request of an aggregator and our answer; session tokens in ``body`` and ``query`` are blotted out."""

    id: UUID
    integration: str
    endpoint: str
    method: str
    query: str
    body: str
    signature_ok: bool
    remote_ip: str
    player_id: UUID | None
    session_id: UUID | None
    reference: str
    status_code: int
    answer: str
    outcome: str
    duration_us: int
    received_at: datetime
