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
class FreeBetPlaced(Event):
    """A round was begun that costs the player nothing. ``value`` is what the game's side says the spin is worth."""

    wire_name = "wallet.free-bet-placed.v1"
    bet_id: UUID
    round: str
    game: str
    category: str
    value: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class FreeWinCredited(Event):
    """A win on a free bet was paid in real money, at the cost of bonuses; it is no part of GGR."""

    wire_name = "wallet.free-win-credited.v1"
    win_id: UUID
    bet_id: UUID
    round: str
    game: str
    category: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class FreeBetRolledBack(Event):
    """A free bet was undone; ``won`` is what was taken back."""

    wire_name = "wallet.free-bet-rolled-back.v1"
    rollback_id: UUID
    bet_id: UUID
    round: str
    game: str
    category: str
    won: Decimal
    currency: str
