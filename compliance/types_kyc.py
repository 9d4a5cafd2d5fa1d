"""Types of identity verification (KYC) that cross the border of compliance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from players.types import ConfirmStatus


class StepKind(StrEnum):
    """What a case may have to prove."""

    IDENTITY = "identity"  # who the person is: names, birth date, an identity document
    AGE = "age"  # old enough where they live
    ADDRESS = "address"  # lives where they say
    SOURCE_OF_FUNDS = "source_of_funds"  # where the money comes from
    ENHANCED = "enhanced"  # a person of compliance looked at the whole of it


# What a verification provider can answer; the others are decided by people, on documents.
BY_PROVIDER = frozenset({StepKind.IDENTITY, StepKind.AGE, StepKind.ADDRESS})


class StepState(StrEnum):
    REQUIRED = "required"  # waits for the player
    SUBMITTED = "submitted"  # with the provider
    IN_REVIEW = "in_review"  # waits for a person of staff
    ACCEPTED = "accepted"
    RETRY = "retry"  # not good enough: the player tries again
    REJECTED = "rejected"  # for good
    EXPIRED = "expired"  # was accepted; has to be proved anew


class CaseState(StrEnum):
    OPEN = "open"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    CONFIRMED = "confirmed"
    REJECTED_RETRY = "rejected_retry"
    REJECTED_FINAL = "rejected_final"
    EXPIRED = "expired"
    CANCELLED = "cancelled"  # opened by mistake; proves and refuses nothing


UNFINISHED = frozenset({CaseState.OPEN, CaseState.SUBMITTED, CaseState.IN_REVIEW, CaseState.REJECTED_RETRY})


class Trigger(StrEnum):
    """Why a case was opened."""

    REGISTRATION = "registration"  # the pack wants identity before deposit or play
    THRESHOLD = "threshold"  # deposits or payouts reached the due-diligence threshold
    FIRST_WITHDRAWAL = "first_withdrawal"
    RISK = "risk"  # the risk level rose
    EXPIRY = "expiry"  # what was proved has lapsed
    PLAYER = "player"  # the player asked to be verified
    STAFF = "staff"


class Funds(StrEnum):
    """What a case does to the player's money."""

    FREE = "free"
    LOCKED = "locked"  # neither staked nor paid out until the case is confirmed
    REFUND_DUE = "refund_due"  # the case failed or ran out: back to where it came from
    REFUNDED = "refunded"


class LegalReason(StrEnum):
    """Why something is asked for only at a payout, where a pack wants it asked before (LC 17.1.1(2))."""

    AML = "aml"  # suspicion or due diligence that the law asks for now
    SANCTIONS = "sanctions"
    FRAUD = "fraud"  # reasonable doubt that the payee is the account's owner
    COURT_ORDER = "court_order"


@dataclass(frozen=True, slots=True)
class StepDetails:
    """One thing that a case has to prove. ``reasons`` are codes of ``rules_kyc.REASONS``, the newest decision's."""

    id: UUID
    case_id: UUID
    player_id: UUID
    kind: StepKind
    state: StepState
    reasons: tuple[str, ...]
    note: str  # of staff, never shown to the player
    provider: str
    attempts: int
    submitted_at: datetime | None
    decided_at: datetime | None
    decided_by: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseDetails:
    """One verification of one player, with its steps in the order of ``StepKind``."""

    id: UUID
    player_id: UUID
    trigger: Trigger
    state: CaseState
    funds: Funds
    risk_level: str  # when it was opened
    pack: str  # label of the pack whose requirements these are
    reason: str
    legal_reason: str
    steps: tuple[StepDetails, ...]
    opened_at: datetime
    due_at: datetime | None  # until then it has to be finished, else its funds go back
    review_due_at: datetime | None  # until then staff has to decide
    claimed_by: str
    claimed_until: datetime | None
    decided_at: datetime | None
    decided_by: str
    decision_reason: str
    expires_at: datetime | None
    grace_acknowledged_at: datetime | None

    @property
    def finished(self) -> bool:
        return self.state not in UNFINISHED

    def step(self, kind: StepKind) -> StepDetails | None:
        return next((step for step in self.steps if step.kind is kind), None)


@dataclass(frozen=True, slots=True)
class MoveDetails:
    """One change of a case (``step`` is "") or of one of its steps. Never changes."""

    step: str
    from_state: str
    to_state: str
    actor: str
    reasons: tuple[str, ...]
    note: str
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """What a provider is told of a player; sent over its API, kept nowhere else."""

    player_id: UUID
    first_name: str
    last_name: str
    birth_date: date | None
    country: str
    email: str
    phone: str


class Answer(StrEnum):
    """What a provider says of an applicant, in our words."""

    STARTED = "started"  # knows the person, waits for their documents
    PENDING = "pending"  # has everything, is looking at it
    ON_HOLD = "on_hold"  # wants a person to look
    ACCEPTED = "accepted"
    RETRY = "retry"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Review:
    """A provider's word on one applicant. ``reasons`` are codes of ``rules_kyc.REASONS``; ``labels`` the provider's own."""

    applicant_id: str
    answer: Answer
    reasons: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A provider's webhook in our words. ``key`` is the same for every copy of it; ``sent_at`` is the provider's clock."""

    key: str
    kind: str
    external_id: str  # our name of the applicant: the player's id
    sent_at: datetime
    review: Review


@dataclass(frozen=True, slots=True)
class StartedCheck:
    """What the player's browser needs to hand its documents to the provider; ``token`` is told once."""

    provider: str
    applicant_id: str
    token: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Grace:
    """Play before verification is finished, where a pack allows it. ``until`` is exclusive."""

    until: datetime
    deposit_cap_minor: int
    deposited_minor: int
    currency: str
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """What the player sees: the unfinished case's steps, or the newest case's where all is finished."""

    status: ConfirmStatus
    funds: Funds
    due_at: datetime | None
    steps: tuple[StepDetails, ...]
    grace: Grace | None
