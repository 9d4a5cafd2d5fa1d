"""Corrections and disputes, as they cross the border of wallet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kernel.money import Money


class AdjustmentNature(StrEnum):
    ADJUSTMENT = "adjustment"  # a correction, either way
    WRITE_OFF = "write_off"  # the balance of a closed account that cannot be paid out


class AdjustmentState(StrEnum):
    AWAITING_APPROVAL = "awaiting_approval"
    POSTED = "posted"
    REJECTED = "rejected"  # nothing moved
    EXPIRED = "expired"  # nobody decided in time; nothing moved
    WITHDRAWN = "withdrawn"  # whoever asked took it back; nothing moved


class DisputeState(StrEnum):
    OPEN = "open"
    INVESTIGATING = "investigating"
    RESOLVED = "resolved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class AdjustmentDetails:
    """A correction of one purse by staff; ``amount`` is signed: positive credits the player."""

    id: UUID
    player_id: UUID
    purse_id: UUID
    nature: AdjustmentNature
    amount: Money
    reason: str
    evidence: str
    reference: str
    state: AdjustmentState
    approval_id: UUID | None
    transfer_id: UUID | None
    requested_by: str
    requested_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class DisputeDetails:
    """A player says that money is wrong. ``claimed`` is what they want, where they named a sum."""

    id: UUID
    player_id: UUID
    subject: str
    story: str
    reference: str
    claimed: Money | None
    state: DisputeState
    assignee: str
    opened_by: str
    opened_at: datetime
    resolution: str
    settled_by: str
    settled_at: datetime | None
    adjustment_id: UUID | None
