"""Types that cross the border of wallet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar
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
    """Why a posting was refused. Besides these: what compliance denies it for (``compliance.types_gate.ReasonCode``), a
    restriction's kind, or ``status_<status>``."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    UNKNOWN_PLAYER = "unknown_player"
    UNKNOWN_GAME = "unknown_game"
    WRONG_CURRENCY = "wrong_currency"
    STAKE_ABOVE_CAP = "stake_above_cap"
    WINNINGS_SPENT = "winnings_spent"
    HOLD_EXCEEDED = "hold_exceeded"
    ROUND_CLOSED = "round_closed"
    ROUND_HELD = "round_held"  # money is still reserved on it
    NO_FREE_SPINS = "no_free_spins"
    UNKNOWN_JACKPOT = "unknown_jackpot"
    ALREADY_ENTERED = "already_entered"  # a tournament, which is bought into once; then rebuys
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
    FREE_SPINS = "free_spins"  # whole spins of a fixed value; not money that is owed
    TOURNAMENT = "tournament"  # what a player paid into one tournament, until it is settled or refunded
    HELD = "held"  # set aside: requested withdrawals, reserved bets; never drawn by a bet
    GAMING = "gaming"  # stakes in; wins, jackpot contributions and rake out
    PAYMENTS = "payments"  # money that came through payment providers
    BONUS_COST = "bonus_cost"  # what bonuses cost
    CHARGEBACKS = "chargebacks"  # deposits taken back after the player had spent them: a loss
    ADJUSTMENTS = "adjustments"  # corrections by staff
    WRITE_OFFS = "write_offs"  # balances that nobody can be paid any more
    FEES = "fees"  # what players were charged: withdrawal and buy-in fees, rake, dormant accounts
    JACKPOT = "jackpot"  # one per jackpot: contributions in, jackpot wins out
    TOURNAMENTS = "tournaments"  # buy-ins of settled tournaments in, prizes out
    SPINS_ISSUED = "spins_issued"  # the other side of free spins: what is unused stands here below zero


PURSES = (AccountKind.REAL, AccountKind.BONUS, AccountKind.FREE_SPINS, AccountKind.TOURNAMENT, AccountKind.HELD)


class TransferKind(StrEnum):
    DEPOSIT = "deposit"
    BET = "bet"
    WIN = "win"
    ROLLBACK = "rollback"
    CHARGEBACK = "chargeback"  # a deposit taken back by the bank
    REINSTATEMENT = "reinstatement"  # what a chargeback took, given back: the dispute was won
    WITHDRAWAL_HOLD = "withdrawal_hold"  # set aside at the request
    WITHDRAWAL = "withdrawal"  # paid out
    WITHDRAWAL_RELEASE = "withdrawal_release"  # what was not paid out, back to the player
    WITHDRAWAL_RETURN = "withdrawal_return"  # paid out, then sent back by the bank
    RESERVE = "reserve"
    RELEASE = "release"
    BONUS_GRANT = "bonus_grant"
    BONUS_RELEASE = "bonus_release"
    BONUS_FORFEIT = "bonus_forfeit"
    SPINS_GRANT = "spins_grant"
    SPINS_FORFEIT = "spins_forfeit"  # taken back or run out
    FREE_BET = "free_bet"  # uses up spins; without a purse it moves nothing
    FREE_WIN = "free_win"  # won on a free bet, at the cost of bonuses
    JACKPOT_WIN = "jackpot_win"
    TOURNAMENT_BUY_IN = "tournament_buy_in"
    TOURNAMENT_REBUY = "tournament_rebuy"
    TOURNAMENT_SETTLE = "tournament_settle"  # the purse is closed and a prize, if any, paid
    TOURNAMENT_REFUND = "tournament_refund"
    ADJUSTMENT = "adjustment"
    WRITE_OFF = "write_off"
    DORMANT_FEE = "dormant_fee"


@dataclass(frozen=True, slots=True)
class Posting:
    """What became of one movement of money, and the player's balances after it.

    ``transfer_id`` is the bet's, win's or rollback's id; ``win_transfer_id`` the win's of a one-call play. ``details``
    says more of a refusal by compliance: which limit, until when.
    """

    outcome: Outcome
    reason: str
    transfer_id: UUID | None
    win_transfer_id: UUID | None
    real: Money
    bonus: Money
    details: Mapping[str, Any] = field(default_factory=dict)

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
    """What a player holds, by purse kind. All in the player's one currency.

    ``total`` can be staked. Free spins (``spins_left``, worth ``free_spins``), what is in tournaments, and what is
    ``held`` for withdrawals and reserved bets are not in it.
    """

    player_id: UUID
    real: Money
    bonus: Money
    free_spins: Money
    spins_left: int
    tournament: Money
    held: Money

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
    game_codes: tuple[str, ...]
    spin_value: Money | None
    winnings_id: UUID | None
    subject: str
    active_until: datetime | None
    opened_at: datetime
    closed_at: datetime | None

    @property
    def spins_left(self) -> int:
        """Of a free-spins purse."""
        return self.balance.amount_minor // self.spin_value.amount_minor if self.spin_value else 0


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
    """One transfer as its player sees it: ``amount`` is the change of the player's purses, signed.

    ``fee`` is what of it the house has charged (or, below zero, given back): withdrawal and buy-in fees, rake.
    """

    id: UUID
    kind: TransferKind
    amount: Money
    fee: Money
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
    source: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """What of a player's history is wanted. The period is of recording: from ``since`` on, before ``until``.

    ``purse`` keeps what touched purses of that kind, ``purse_id`` what touched that one.
    """

    since: datetime | None = None
    until: datetime | None = None
    kinds: tuple[TransferKind, ...] = ()
    purse: AccountKind | None = None
    purse_id: UUID | None = None
    round: str = ""
    game: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class RoundDetails:
    """One round of one player at one game of one ``source``.

    ``bets`` took a stake, ``free_bets`` none; ``rolled_back`` of them were undone and are left out of the sums.
    ``won`` is what reached the player's purses of wins and jackpots, ``free_won`` of wins on free bets. ``id`` is the
    round's first bet, ``movements`` counts all of it. ``closed_at`` is None while bets may still be placed on it.
    """

    id: UUID
    game: str
    round: str
    source: str
    bets: int
    free_bets: int
    rolled_back: int
    movements: int
    staked: Money
    won: Money
    free_won: Money
    started_at: datetime
    ended_at: datetime
    closed_at: datetime | None

    @property
    def result(self) -> Money:
        """The player's: above zero, they have won."""
        return self.won + self.free_won - self.staked


@dataclass(frozen=True, slots=True)
class HistoryPage(Generic[Item]):
    """Newest first. ``next`` is where to go on; None at the end. A page may be shorter than asked for, even empty."""

    items: list[Item]
    next: UUID | None
