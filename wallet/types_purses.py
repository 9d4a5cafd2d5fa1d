"""Types of free spins, tournaments, fees, rounds and jackpots that cross the border of wallet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from kernel.money import Money
from wallet.types import PurseTerms


@dataclass(frozen=True, slots=True)
class FreeSpinsTerms:
    """``count`` spins worth ``value`` each, for ``games`` (their codes; none: all), until ``active_until``.

    ``winnings`` are the terms of the bonus purse that wins go to; None: wins are real money.
    """

    count: int
    value: Money
    games: tuple[str, ...] = ()
    active_until: datetime | None = None
    winnings: PurseTerms | None = None


@dataclass(frozen=True, slots=True)
class JackpotShare:
    """What of a stake goes to a jackpot: ``amount`` in major units, to a millionth of a minor unit."""

    jackpot: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class RoundExtras:
    """What a game may say with a bet or play beside its stake."""

    contributions: tuple[JackpotShare, ...] = ()
    round_closed: bool = False


class FeeKind(StrEnum):
    WITHDRAWAL = "withdrawal"
    RAKE = "rake"  # the commission on a win at poker
    TOURNAMENT_BUY_IN = "tournament_buy_in"


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """``percent`` of an amount plus ``fixed``, at least ``least`` and at most ``most``; minor units.

    The others say when it applies; "" is any.
    """

    kind: FeeKind
    currency: str
    percent: Decimal = Decimal(0)
    fixed_minor: int = 0
    least_minor: int = 0
    most_minor: int | None = None
    level: str = ""
    method: str = ""
    game: str = ""
    effective_from: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class WithdrawalQuote:
    """What a withdrawal would cost: ``amount`` leaves the player's purse, ``receives`` reaches the instrument."""

    amount: Money
    fee: Money
    receives: Money


@dataclass(frozen=True, slots=True)
class JackpotDetails:
    """A jackpot. ``balance`` is contributions less wins; below zero the house has paid more than came in."""

    code: str
    name: str
    balance: Money


SpinsEnd = Literal["forfeited", "expired"]
