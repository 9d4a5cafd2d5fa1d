"""Events that wallet publishes. Bets, wins and rollbacks are written by its posting function (wallet/sql)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class DepositRequested(Event):
    """A player asked to pay in; the provider has not answered yet."""

    wire_name = "wallet.deposit-requested.v1"
    deposit_id: UUID
    provider: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class DepositMade(Event):
    """A deposit was credited to the real-money purse."""

    wire_name = "wallet.deposit-made.v1"
    deposit_id: UUID
    transfer_id: UUID
    provider: str
    amount: Decimal
    amount_eur: Decimal | None
    currency: str
    number: int  # 1 for the player's first deposit that was made


@dataclass(frozen=True, kw_only=True)
class DepositFailed(Event):
    """The provider declined a deposit, or it was refused here."""

    wire_name = "wallet.deposit-failed.v1"
    deposit_id: UUID
    provider: str
    amount: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class BetPlaced(Event):
    """A stake was taken. ``real`` + ``bonus`` = ``stake``; ``real_eur`` is None where no exchange rate is known."""

    wire_name = "wallet.bet-placed.v1"
    bet_id: UUID
    round: str
    game: str
    category: str
    exclusive: bool
    stake: Decimal
    real: Decimal
    bonus: Decimal
    real_eur: Decimal | None
    currency: str


@dataclass(frozen=True, kw_only=True)
class WinCredited(Event):
    """A win was paid. ``real`` + ``bonus`` = ``amount``."""

    wire_name = "wallet.win-credited.v1"
    win_id: UUID
    bet_id: UUID
    round: str
    game: str
    category: str
    amount: Decimal
    real: Decimal
    bonus: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class BetRolledBack(Event):
    """A bet was undone at ``occurred_at``: its stake went back to its purses and its wins were taken back.

    The amounts are the bet's own. Figures by day take it out on the day of the rollback: closed days stay as reported.
    """

    wire_name = "wallet.bet-rolled-back.v1"
    rollback_id: UUID
    bet_id: UUID
    round: str
    game: str
    category: str
    exclusive: bool
    stake: Decimal
    real: Decimal
    bonus: Decimal
    real_eur: Decimal | None
    won_real: Decimal
    won_bonus: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class BalanceAdjusted(Event):
    """Staff corrected a purse: ``amount`` is signed, ``purse`` its kind. ``nature`` is adjustment or write_off."""

    wire_name = "wallet.balance-adjusted.v1"
    adjustment_id: UUID
    transfer_id: UUID
    nature: str
    reason: str
    purse: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class DisputeStateChanged(Event):
    """A dispute about money was opened, taken up, resolved or rejected; ``adjustment_id`` where it moved money."""

    wire_name = "wallet.dispute-state-changed.v1"
    dispute_id: UUID
    state: str
    adjustment_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class DormancyNoticed(Event):
    """A player without activity is told that a monthly fee will be taken from ``chargeable_at`` on."""

    wire_name = "wallet.dormancy-noticed.v1"
    notice_id: UUID
    chargeable_at: datetime
    fee: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class DormancyEnded(Event):
    """A player who had been told of fees is active again, or can be charged no more."""

    wire_name = "wallet.dormancy-ended.v1"
    notice_id: UUID


@dataclass(frozen=True, kw_only=True)
class DormantFeeCharged(Event):
    """A month's fee was taken from the real-money purse of a dormant player. ``month`` is 2026-03."""

    wire_name = "wallet.dormant-fee-charged.v1"
    notice_id: UUID
    transfer_id: UUID
    month: str
    amount: Decimal
    currency: str
