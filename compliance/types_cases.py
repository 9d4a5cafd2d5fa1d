"""Review cases: what a person has to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID


class CaseState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    RESOLVED = "resolved"


class CaseKind(StrEnum):
    DUPLICATE = "duplicate"  # the same person seems to have another account
    EXCLUSION_MATCH = "exclusion_match"  # somebody who is excluded seems to be back
    EXCLUSION_REFUND = "exclusion_refund"  # an excluded player's money can't be sent back
    BALANCE_EXCESS = "balance_excess"  # what lies above a balance limit can't be paid out by itself
    LIMIT_CONTACT = "limit_contact"  # the pack asks to speak to a player with such a limit
    FOREIGN_ACCOUNT = "foreign_account"  # an instrument in somebody else's name
    KYC_REVIEW = "kyc_review"
    INELIGIBLE = "ineligible"  # a member of a group that may not play
    OTHER = "other"


# How long until somebody has looked at it. Kinds that are not named: three days.
SLA: Mapping[CaseKind, timedelta] = {
    CaseKind.EXCLUSION_MATCH: timedelta(hours=1),
    CaseKind.INELIGIBLE: timedelta(hours=4),
    CaseKind.EXCLUSION_REFUND: timedelta(hours=4),
    CaseKind.BALANCE_EXCESS: timedelta(days=1),
    CaseKind.DUPLICATE: timedelta(days=1),
    CaseKind.LIMIT_CONTACT: timedelta(days=1),
    CaseKind.KYC_REVIEW: timedelta(days=1),
    CaseKind.FOREIGN_ACCOUNT: timedelta(days=1),
}
DEFAULT_SLA = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How many wait for a person, and how many of them should have been looked at by now."""

    waiting: int
    late: int


@dataclass(frozen=True, slots=True)
class CaseDetails:
    id: UUID
    kind: CaseKind
    player_id: UUID | None
    key: str
    facts: Mapping[str, Any]
    state: CaseState
    opened_by: str
    opened_at: datetime
    due_at: datetime
    claimed_by: str
    claimed_at: datetime | None
    resolved_by: str
    resolved_at: datetime | None
    outcome: str
    comment: str
