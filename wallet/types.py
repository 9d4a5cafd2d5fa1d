"""Types that cross the border of wallet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from kernel.money import Money

Item = TypeVar("Item")


class Outcome(StrEnum):
    """The canonical outcomes of a posting; every integration only maps these."""

    APPLIED = "applied"
    REPLAYED = "replayed"  # same key and content as before: the first answer again, nothing moved
    CONFLICT = "conflict"  # same key, other content
    UNKNOWN_REFERENCE = "unknown_reference"  # the bet that it refers to is not there, or was rolled back
    TOMBSTONED = "tombstoned"  # rollback of a bet not seen yet, or the late bet itself: it can never be placed
    REFUSED = "refused"  # see the reason


class RefusalReason(StrEnum):
    """Why a posting was refused. Besides these: a restriction's kind, or ``status_<status>``."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    UNKNOWN_PLAYER = "unknown_player"
    UNKNOWN_GAME = "unknown_game"
    WRONG_CURRENCY = "wrong_currency"
    STAKE_ABOVE_CAP = "stake_above_cap"
    WINNINGS_SPENT = "winnings_spent"
    HOLD_EXCEEDED = "hold_exceeded"
    HOLD_EXPIRED = "hold_expired"


class GameCategory(StrEnum):
    SLOTS = "slots"
    TABLE = "table"
    LIVE = "live"
    CRASH = "crash"
    OTHER = "other"


class AccountKind(StrEnum):
    """Player accounts are purses; the rest are the house's, one per currency."""

    REAL = "real"
    BONUS = "bonus"
    HELD = "held"  # set aside: requested withdrawals, reserved bets; never drawn by a bet
    GAMING = "gaming"  # stakes in, wins out: its sum is GGR
    PAYMENTS = "payments"  # money that came through payment providers
    BONUS_COST = "bonus_cost"  # what bonuses cost
    CHARGEBACKS = "chargebacks"  # deposits taken back after the player had spent them: a loss
    ADJUSTMENTS = "adjustments"  # corrections by staff
    WRITE_OFFS = "write_offs"  # balances that nobody can be paid any more
    FEES = "fees"  # what players were charged


PURSES = (AccountKind.REAL, AccountKind.BONUS, AccountKind.HELD)


class TransferKind(StrEnum):
    DEPOSIT = "deposit"
    BET = "bet"
    WIN = "win"
    ROLLBACK = "rollback"
    CHARGEBACK = "chargeback"  # a deposit taken back by the bank
    WITHDRAWAL_HOLD = "withdrawal_hold"  # set aside at the request
    WITHDRAWAL = "withdrawal"  # paid out
    WITHDRAWAL_RELEASE = "withdrawal_release"  # what was not paid out, back to the player
    WITHDRAWAL_RETURN = "withdrawal_return"  # paid out, then sent back by the bank
    RESERVE = "reserve"
    RELEASE = "release"
    BONUS_GRANT = "bonus_grant"
    BONUS_RELEASE = "bonus_release"
    BONUS_FORFEIT = "bonus_forfeit"
    FREE_BET = "free_bet"  # costs the player nothing and moves nothing
    FREE_WIN = "free_win"  # won on a free bet: real money, at the cost of bonuses
    ADJUSTMENT = "adjustment"
    WRITE_OFF = "write_off"
    DORMANT_FEE = "dormant_fee"


class AdjustmentNature(StrEnum):
    ADJUSTMENT = "adjustment"  # a correction, either way
    WRITE_OFF = "write_off"  # the balance of a closed account that cannot be paid out


class AdjustmentState(StrEnum):
    AWAITING_APPROVAL = "awaiting_approval"
    POSTED = "posted"
    REJECTED = "rejected"  # nothing moved
    EXPIRED = "expired"  # nobody decided in time; nothing moved


class DisputeState(StrEnum):
    OPEN = "open"
    INVESTIGATING = "investigating"
    RESOLVED = "resolved"
    REJECTED = "rejected"


class ReportSide(StrEnum):
    """Whose report it is: it is compared with our deposits, or with our movements of one integration."""

    PAYMENTS = "payments"
    GAMES = "games"


class ReportState(StrEnum):
    WAITING = "waiting"
    MATCHING = "matching"
    DONE = "done"
    FAILED = "failed"  # the file as a whole cannot be read; ``note`` says why


class RowState(StrEnum):
    NEW = "new"
    MATCHED = "matched"
    DIFFERING = "differing"  # ours was found, and says something else
    UNMATCHED = "unmatched"  # theirs only
    BAD = "bad"  # the line cannot be read


class CaseKind(StrEnum):
    DIFFERING = "differing"
    UNMATCHED = "unmatched"  # theirs only
    MISSING = "missing"  # ours only


class CaseState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    RESOLVED = "resolved"


class DepositState(StrEnum):
    REQUESTED = "requested"
    PENDING = "pending"
    MADE = "made"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CHARGED_BACK = "charged_back"


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


@dataclass(frozen=True, slots=True)
class Posting:
    """What became of one movement of money, and the player's balances after it.

    ``transfer_id`` is the bet's, win's or rollback's id; ``win_transfer_id`` the win's of a one-call play.
    """

    outcome: Outcome
    reason: str
    transfer_id: UUID | None
    win_transfer_id: UUID | None
    real: Money
    bonus: Money

    @property
    def ok(self) -> bool:
        return self.outcome in (Outcome.APPLIED, Outcome.REPLAYED)


@dataclass(frozen=True, slots=True)
class BatchBet:
    """One item of a batch: a bet, or with a ``win`` (zero: lost) a play, under a key of its own."""

    player_id: UUID
    idempotency_key: str
    game: str
    round_id: str
    stake: Money
    win: Money | None = None


@dataclass(frozen=True, slots=True)
class Balances:
    """What a player holds, by purse kind. All in the player's one currency."""

    player_id: UUID
    real: Money
    bonus: Money

    @property
    def total(self) -> Money:
        return self.real + self.bonus


@dataclass(frozen=True, slots=True)
class HoldDetails:
    """Money set aside for a bet. ``left`` is neither captured nor given back; ``source`` and ``key`` reserved it."""

    id: UUID
    player_id: UUID
    amount: Money
    captured: Money
    released: Money
    game: str
    round: str
    source: str
    key: str
    reserved_at: datetime
    expires_at: datetime

    @property
    def left(self) -> Money:
        return self.amount - self.captured - self.released


@dataclass(frozen=True, slots=True)
class PurseTerms:
    """What a bonus purse may be used for. Lower ``priority`` is drawn first; real money is 0.

    ``stake_cap`` refuses larger stakes that would draw on it; no ``game_categories`` means all games.
    """

    priority: int = 100
    stake_cap: Money | None = None
    game_categories: tuple[GameCategory, ...] = ()
    active_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PurseDetails:
    id: UUID
    kind: AccountKind
    balance: Money
    priority: int
    stake_cap: Money | None
    game_categories: tuple[str, ...]
    active_until: datetime | None
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class GameDetails:
    """One game of the catalogue. ``rtp`` is the theoretical return to player, 0–1."""

    code: str
    name: str
    provider: str
    category: GameCategory
    rtp: Decimal
    exclusive: bool
    active: bool


@dataclass(frozen=True, slots=True)
class TransactionDetails:
    """One transfer as its player sees it: ``amount`` is the change of the player's purses, signed."""

    id: UUID
    kind: TransferKind
    amount: Money
    real_after: Money | None
    game: str
    round: str
    bet_id: UUID | None
    source: str
    reference: str
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One entry on a player's purse, with the purse's balance after it."""

    id: UUID
    transfer_id: UUID
    transfer_kind: TransferKind
    purse: AccountKind
    amount: Money
    balance_after: Money
    sequence: int
    game: str
    round: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class DepositDetails:
    id: UUID
    player_id: UUID
    amount: Money
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


@dataclass(frozen=True, slots=True)
class RiskReason:
    """One reason for a withdrawal's score, with its points and, in words, what was seen."""

    code: str
    points: int
    detail: str


@dataclass(frozen=True, slots=True)
class PayoutDetails:
    """One payment out of a withdrawal, to one instrument."""

    id: UUID
    withdrawal_id: UUID
    instrument_id: UUID
    amount: Money
    paid: Money
    state: PayoutState
    provider_reference: str
    failure_reason: str
    attempts: int
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class WithdrawalDetails:
    """``amount`` was asked for; ``approved``, ``paid`` and ``returned`` say how much of it so far.

    ``sends_from`` is the end of the cooling period; ``cancellable`` whether the player may still cancel.
    """

    id: UUID
    player_id: UUID
    amount: Money
    approved: Money
    paid: Money
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
    requested_at: datetime
    sends_from: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProviderMessageDetails:
    """One line of the dialogue with a provider. ``call`` is what we asked, or "webhook"; ``answer`` what it said."""

    payment_id: UUID
    provider: str
    call: str
    answer: str
    reference: str
    reason: str
    notice_id: str
    said_at: datetime


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


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """What of a player's history is wanted. The period is of recording: from ``since`` on, before ``until``.

    ``purse`` keeps what touched purses of that kind.
    """

    since: datetime | None = None
    until: datetime | None = None
    kinds: tuple[TransferKind, ...] = ()
    purse: AccountKind | None = None
    round: str = ""
    game: str = ""


@dataclass(frozen=True, slots=True)
class RoundDetails:
    """One round of one player: its standing bets and their wins. ``rolled_back`` counts bets that were undone.

    ``id`` is the round's first bet.
    """

    id: UUID
    game: str
    round: str
    bets: int
    rolled_back: int
    staked: Money
    won: Money
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class HistoryPage(Generic[Item]):
    """Newest first. ``next`` is where to go on; None at the end. A page may be shorter than asked for, even empty."""

    items: list[Item]
    next: UUID | None


@dataclass(frozen=True, slots=True)
class LiabilityLine:
    """What the house owed its players at the end of a day (UTC), in one currency."""

    day: date
    real: Money
    bonus: Money
    held: Money

    @property
    def whole(self) -> Money:
        return self.real + self.bonus + self.held
