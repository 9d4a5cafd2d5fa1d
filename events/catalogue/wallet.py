"""Events that wallet publishes. Bets, wins and rollbacks are written by its posting function (wallet/sql)."""

from __future__ import annotations

from dataclasses import dataclass
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
class BetReserved(Event):
    """Money was set aside for a bet; it counts when it is captured. ``real`` + ``bonus`` = ``amount``."""

    wire_name = "wallet.bet-reserved.v1"
    hold_id: UUID
    round: str
    game: str
    amount: Decimal
    real: Decimal
    bonus: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class HoldReleased(Event):
    """Reserved money went back uncaptured."""

    wire_name = "wallet.hold-released.v1"
    hold_id: UUID
    release_id: UUID
    round: str
    game: str
    amount: Decimal
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
