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
    """A deposit was credited to the real-money purse; ``amount_eur`` is None where no exchange rate was known."""

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
class DepositPending(Event):
    """The provider has a deposit and has not decided yet."""

    wire_name = "wallet.deposit-pending.v1"
    deposit_id: UUID
    provider: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class DepositCancelled(Event):
    """A deposit was given up before the provider took it."""

    wire_name = "wallet.deposit-cancelled.v1"
    deposit_id: UUID
    provider: str
    amount: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DepositChargedBack(Event):
    """The bank took ``amount`` of a made deposit back. ``lost`` of it the player had spent: the house bears it.

    ``amount_eur`` is at the deposit's own rate.
    """

    wire_name = "wallet.deposit-charged-back.v1"
    deposit_id: UUID
    transfer_id: UUID
    provider: str
    amount: Decimal
    amount_eur: Decimal | None
    lost: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DepositReinstated(Event):
    """A dispute was won: ``amount`` of what chargebacks took of a deposit is given back."""

    wire_name = "wallet.deposit-reinstated.v1"
    deposit_id: UUID
    transfer_id: UUID
    provider: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class WithdrawalRequested(Event):
    """A player asked to be paid; the money is set aside. Later events of a withdrawal tell EUR at the rate of this moment."""

    wire_name = "wallet.withdrawal-requested.v1"
    withdrawal_id: UUID
    transfer_id: UUID
    amount: Decimal
    amount_eur: Decimal | None
    currency: str
    score: int


@dataclass(frozen=True, kw_only=True)
class WithdrawalReviewNeeded(Event):
    """No rule approved a withdrawal: a person decides."""

    wire_name = "wallet.withdrawal-review-needed.v1"
    withdrawal_id: UUID
    amount: Decimal
    currency: str
    score: int


@dataclass(frozen=True, kw_only=True)
class WithdrawalApproved(Event):
    """``amount`` of a withdrawal will be paid, by a rule (``automatic``) or a person; the rest went back to the player."""

    wire_name = "wallet.withdrawal-approved.v1"
    withdrawal_id: UUID
    amount: Decimal
    currency: str
    automatic: bool


@dataclass(frozen=True, kw_only=True)
class WithdrawalSent(Event):
    """A withdrawal's payouts go to their providers now; from here on it can't be cancelled."""

    wire_name = "wallet.withdrawal-sent.v1"
    withdrawal_id: UUID
    amount: Decimal
    currency: str
    payouts: int


@dataclass(frozen=True, kw_only=True)
class WithdrawalPaid(Event):
    """``amount`` reached the player, ``fee`` the house; ``returned`` could not be paid and is real money again."""

    wire_name = "wallet.withdrawal-paid.v1"
    withdrawal_id: UUID
    amount: Decimal
    amount_eur: Decimal | None
    fee: Decimal
    returned: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class WithdrawalRejected(Event):
    """A person refused a withdrawal; the money is the player's again. The reason is for staff and isn't told here."""

    wire_name = "wallet.withdrawal-rejected.v1"
    withdrawal_id: UUID
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class WithdrawalFailed(Event):
    """Nothing of a withdrawal could be paid, or all of it came back; the money is the player's again."""

    wire_name = "wallet.withdrawal-failed.v1"
    withdrawal_id: UUID
    amount: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class WithdrawalCancelled(Event):
    """The player took a withdrawal back before it was sent."""

    wire_name = "wallet.withdrawal-cancelled.v1"
    withdrawal_id: UUID
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class PayoutReturned(Event):
    """The bank sent a payout back; ``amount`` and the ``fee`` it cost are the player's real money again."""

    wire_name = "wallet.payout-returned.v1"
    withdrawal_id: UUID
    payout_id: UUID
    transfer_id: UUID
    amount: Decimal
    amount_eur: Decimal | None
    fee: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class BetPlaced(Event):
    """A stake was taken. ``real`` + ``bonus`` = ``stake``.

    ``real_eur`` and ``bonus_eur`` are these parts in EUR at the rate of the moment, to six decimals where the currency is
    another; None where no rate was known. Bets from before ``bonus_eur`` was told have none.
    """

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
    bonus_eur: Decimal | None = None
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
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class HoldReleased(Event):
    """Reserved money went back uncaptured; ``expired``: because its time was over."""

    wire_name = "wallet.hold-released.v1"
    hold_id: UUID
    release_id: UUID
    round: str
    game: str
    amount: Decimal
    currency: str
    expired: bool


@dataclass(frozen=True, kw_only=True)
class WinCredited(Event):
    """A win was paid. ``real`` + ``bonus`` = ``amount``; ``real_eur`` is ``real`` in EUR at the bet's own rate, if it had one."""

    wire_name = "wallet.win-credited.v1"
    win_id: UUID
    bet_id: UUID
    round: str
    game: str
    category: str
    amount: Decimal
    real: Decimal
    bonus: Decimal
    real_eur: Decimal | None = None
    currency: str


@dataclass(frozen=True, kw_only=True)
class BetRolledBack(Event):
    """A bet was undone at ``occurred_at``: its stake went back to its purses and its wins were taken back.

    The amounts are the bet's own, ``real_eur`` at its own rate; ``jackpot_contribution`` is what jackpots gave back.
    Figures by day take it out on the day of the rollback: closed days stay as reported.
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
    jackpot_contribution: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class FreeBetPlaced(Event):
    """A round was begun that costs the player no money. ``value`` is what it is worth.

    ``spins`` were used up of the free-spins purse ``purse_id``; without one it is a promotion of the game's own side.
    """

    wire_name = "wallet.free-bet-placed.v1"
    bet_id: UUID
    round: str
    game: str
    category: str
    value: Decimal
    purse_id: UUID | None
    spins: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class FreeWinCredited(Event):
    """A win on a free bet was paid at the cost of bonuses; it is no part of GGR. ``real`` + ``bonus`` = ``amount``."""

    wire_name = "wallet.free-win-credited.v1"
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
class FreeBetRolledBack(Event):
    """A free bet was undone; ``won`` is what was taken back, ``spins`` what was given back."""

    wire_name = "wallet.free-bet-rolled-back.v1"
    rollback_id: UUID
    bet_id: UUID
    round: str
    game: str
    category: str
    spins: int
    won: Decimal
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
class ExcessPaidOut(Event):
    """``amount`` lay above the player's balance limit, and its payout was asked for without anybody's wish."""

    wire_name = "wallet.excess-paid-out.v1"
    withdrawal_id: UUID
    amount: Decimal
    limit: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class DormancyNoticed(Event):
    """A player without activity is told that a monthly fee will be taken from ``chargeable_at`` on.

    A ``fee`` of zero: the account becomes dormant then, and its money stays the player's.
    """

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


@dataclass(frozen=True, kw_only=True)
class LiabilityDiffers(Event):
    """What players are owed by the days' figures is not what their balances add up to, for one kind of purse."""

    wire_name = "wallet.liability-differs.v1"
    day: str
    purse: str
    by_days: Decimal
    by_balances: Decimal
    currency: str
