"""Events that compliance publishes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class ApprovalRequested(Event):
    """Somebody asked for an action that another person must decide on. ``kind`` names the action."""

    wire_name = "compliance.approval-requested.v1"
    approval_id: UUID
    kind: str
    requested_by: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ApprovalDecided(Event):
    """An approval ended: ``state`` is approved (and carried out, ``result`` names it), rejected, expired or
    withdrawn (what it was about has ended).
    """

    wire_name = "compliance.approval-decided.v1"
    approval_id: UUID
    kind: str
    state: str
    decided_by: str
    result: str


@dataclass(frozen=True, kw_only=True)
class PackActivated(Event):
    """A version of a jurisdiction pack, or of the house policy, was put in force from ``in_force_from`` on."""

    wire_name = "compliance.pack-activated.v1"
    pack: str
    version: str
    digest: str
    in_force_from: datetime
    activated_by: str


@dataclass(frozen=True, kw_only=True)
class KycCaseOpened(Event):
    """A player has to prove something. ``steps`` are kinds, parted by spaces; ``funds`` says whether money is locked."""

    wire_name = "compliance.kyc-case-opened.v1"
    case_id: UUID
    trigger: str
    steps: str
    funds: str
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class KycDecided(Event):
    """A case moved to ``state``: in_review, confirmed, rejected_retry, rejected_final, expired, cancelled."""

    wire_name = "compliance.kyc-decided.v1"
    case_id: UUID
    trigger: str
    state: str
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class KycFundsMoved(Event):
    """A case locked the player's money, let it go, or has it go back to where it came from."""

    wire_name = "compliance.kyc-funds-moved.v1"
    case_id: UUID
    from_funds: str
    to_funds: str


@dataclass(frozen=True, kw_only=True)
class ReviewCaseOpened(Event):
    """Somebody, or a rule, wants a person to look at something by ``due_at``; ``kind`` says at what."""

    wire_name = "compliance.review-case-opened.v1"
    case_id: UUID
    kind: str
    opened_by: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class ReviewCaseClaimed(Event):
    """Somebody took a review case in hand; nobody in ``claimed_by``: it was given back to the queue."""

    wire_name = "compliance.review-case-claimed.v1"
    case_id: UUID
    kind: str
    claimed_by: str


@dataclass(frozen=True, kw_only=True)
class ReviewCaseResolved(Event):
    """A review case ended with ``outcome``; ``late``: after it was due."""

    wire_name = "compliance.review-case-resolved.v1"
    case_id: UUID
    kind: str
    outcome: str
    resolved_by: str
    late: bool
