"""Types of bonus codes that cross the border of bonuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kernel.errors import DomainError, NotFound

# How long a code whose bonus is a part of a deposit waits for one.
WAITS = timedelta(days=7)


class CodeRefused(DomainError):
    """The code is wrong, used up, over, or somebody else's: which of these is not told."""

    code = "code_refused"
    title = "This code does not work"


class NoSuchCode(NotFound):
    """There are no such codes."""


@dataclass(frozen=True, slots=True)
class BatchDetails:
    """Codes that were made together, for one offer. ``uses_per_code`` 0: any number of players."""

    id: UUID
    offer: str
    name: str
    size: int
    uses_per_code: int
    expires_at: datetime | None
    closed_at: datetime | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class CodeWaits:
    """The code was taken; its bonus comes with the next deposit until ``until``."""

    code: str
    until: datetime
