"""Types of lists of players."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ItemState(StrEnum):
    WAITING = "waiting"
    GIVEN = "given"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ListDetails:
    """An offer for a list of players, and how far it has come."""

    id: UUID
    offer: str
    note: str
    size: int
    given: int
    refused: int
    asked_at: datetime

    @property
    def left(self) -> int:
        return self.size - self.given - self.refused
