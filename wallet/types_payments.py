"""Deposits, withdrawals and instruments, as they cross the border of wallet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kernel.money import Money


class DepositState(StrEnum):
    REQUESTED = "requested"
    PENDING = "pending"
    MADE = "made"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CHARGED_BACK = "charged_back"
    REINSTATED = "reinstated"  # a chargeback took it, and the dispute was won


class WithdrawalState(StrEnum):
    REQUESTED = "requested"  # the money is set aside
    IN_REVIEW = "in_review"
    APPROVED = "approved"  # waits out its cooling period, then for the sender
    SENT = "sent"  # handed to the provider, or about to be
    PAID = "paid"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PayoutState(StrEnum):
    PLANNED = "planned"
    SENT = "sent"  # the provider has it, or may have it: only asking tells
    PAID = "paid"
    FAILED = "failed"
    RETURNED = "returned"  # paid, then sent back by the bank
    DROPPED = "dropped"  # its withdrawal ended before it was sent


class InstrumentKind(StrEnum):
    CARD = "card"
    BANK = "bank"
    E_WALLET = "e_wallet"
    OTHER = "other"


class Funding(StrEnum):
    """Whose money an instrument draws, as its provider says."""

    UNKNOWN = ""
    DEBIT = "debit"
    CREDIT = "credit"
    PREPAID = "prepaid"


class Ownership(StrEnum):
    """Whether an instrument is the player's own, by the holder whom its provider names."""

    UNKNOWN = ""
    OWN = "own"
    FOREIGN = "foreign"
    CONFIRMED = "confirmed"  # a person has looked: it is the player's


@dataclass(frozen=True, slots=True)
class DepositDetails:
    """One payment in. ``taken_back`` is what chargebacks and refunds took of it until now."""

    id: UUID
    player_id: UUID
    amount: Money
    taken_back: Money
    provider: str
    state: DepositState
    failure_reason: str
    provider_reference: str
    number: int | None
    requested_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class InstrumentDetails:
    """A means of payment, known by the provider's token. ``label`` is for people ("•••• 4242").

    ``owed_back`` is what it paid in and was not yet paid back: the closed loop.
    """

    id: UUID
    player_id: UUID
    provider: str
    kind: InstrumentKind
    label: str
    paid_in: Money
    owed_back: Money
    added_at: datetime
    last_used_at: datetime | None
    funding: Funding = Funding.UNKNOWN
    ownership: Ownership = Ownership.UNKNOWN


@dataclass(frozen=True, slots=True)
class RiskReason:
    """One reason for a withdrawal's score, with its points and, in words, what was seen."""

    code: str
    points: int
    detail: str


@dataclass(frozen=True, slots=True)
class PayoutDetails:
    """One payment out of a withdrawal, to one instrument. Of ``amount``, ``fee`` is the house's and the rest is sent.

    ``charged`` is what of the fee was taken.
    """

    id: UUID
    withdrawal_id: UUID
    instrument_id: UUID
    amount: Money
    fee: Money
    paid: Money
    charged: Money
    state: PayoutState
    provider_reference: str
    failure_reason: str
    attempts: int
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class WithdrawalDetails:
    """``amount`` was asked for; ``approved``, ``paid``, ``charged`` and ``returned`` say how much of it so far.

    ``fee`` was quoted for all of it and is part of it; ``charged`` is what of it was taken, by and by.

    ``sends_from`` is the end of the cooling period; ``cancellable`` whether the player may still cancel.
    ``approval_id`` is the request to a second person, of a large one.
    """

    id: UUID
    player_id: UUID
    amount: Money
    approved: Money
    paid: Money
    fee: Money
    charged: Money
    returned: Money
    instrument_id: UUID
    state: WithdrawalState
    score: int
    reasons: tuple[RiskReason, ...]
    level: str
    automatic: bool
    cancellable: bool
    decision_reason: str
    failure_reason: str
    claimed_by: str
    claimed_until: datetime | None
    approval_id: UUID | None
    requested_at: datetime
    sends_from: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProviderMessageDetails:
    """One line of the dialogue with a provider. ``call`` is what we asked, or "webhook"; ``answer`` what it said.

    ``amount`` is what it said has moved; None: all of it.
    """

    payment_id: UUID
    provider: str
    call: str
    answer: str
    reference: str
    reason: str
    notice_id: str
    said_at: datetime
    amount: Money | None = None
