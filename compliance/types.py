"""Types that cross the border of compliance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class ApprovalState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"  # and carried out, in the same transaction
    REJECTED = "rejected"
    EXPIRED = "expired"  # nobody decided in time
    WITHDRAWN = "withdrawn"  # what it was about has ended, or whoever asked took it back


@dataclass(frozen=True, slots=True)
class ApprovalDetails:
    """One action that waits, or waited, for a second person.

    ``content`` is exactly what is carried out; ``before`` and ``after`` are what a person sees of it. ``digest`` binds
    them (hex SHA-256); ``result`` names what was done.
    """

    id: UUID
    kind: str
    player_id: UUID | None
    subject: str
    content: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    digest: str
    comment: str
    state: ApprovalState
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    claimed_by: str
    claimed_at: datetime | None
    decided_by: str
    decided_at: datetime | None
    decision_comment: str
    result: str
    decided_for: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a change; None where it was not there before, or is not there after."""

    field: str
    before: Any
    after: Any

    @property
    def changed(self) -> bool:
        return bool(self.before != self.after)
