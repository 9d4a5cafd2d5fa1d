"""Deputies as they cross the border of compliance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DelegationDetails:
    """``deputy`` stands in for ``principal`` (actors, "staff:7") from ``active_from`` until ``active_until``, exclusive."""

    id: UUID
    principal: str
    deputy: str
    kinds: tuple[str, ...]
    reason: str
    active_from: datetime
    active_until: datetime
    appointed_by: str
    ended_at: datetime | None

    def stands(self, at: datetime) -> bool:
        return self.ended_at is None and self.active_from <= at < self.active_until
