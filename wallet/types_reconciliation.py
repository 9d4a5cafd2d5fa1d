"""Providers' reports, cases and what players are owed, as they cross the border of wallet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from kernel.money import Money
from wallet.types import AccountKind


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
    FEE = "fee"  # what the provider took for itself: noted, not compared
    BAD = "bad"  # the line cannot be read


class CaseKind(StrEnum):
    DIFFERING = "differing"
    UNMATCHED = "unmatched"  # theirs only
    MISSING = "missing"  # ours only


class CaseState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class MappingTerms:
    """How one provider's file is read: what the columns are called, and what else is to be known.

    As of ``models_reconciliation.ReportMapping``; ``kinds`` are words of ``kind_column`` and what they mean.
    """

    name: str
    side: ReportSide
    source: str
    reference_column: str
    amount_column: str
    time_column: str
    currency_column: str = ""
    currency: str = ""
    time_format: str = ""
    decimal_comma: bool = False
    delimiter: str = ""
    encoding: str = ""
    window_s: int = 3600
    tolerance_minor: int = 0
    covers: tuple[str, ...] = ("deposit",)
    kind_column: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    fee_column: str = ""
    net: bool = False


@dataclass(frozen=True, slots=True)
class LiabilityDifference:
    """A kind of purse whose balances are not what the days' figures, and the entries since, add up to."""

    kind: AccountKind
    by_days: Money
    by_balances: Money


@dataclass(frozen=True, slots=True)
class LiabilityCheckDetails:
    """One look at whether the liability by day equals the balances; ``day`` is the last that was closed."""

    day: date
    checked_at: datetime
    differences: tuple[LiabilityDifference, ...]


@dataclass(frozen=True, slots=True)
class LiabilityLine:
    """What the house owed its players at the end of a day (UTC), in one currency.

    Free spins are not owed: they may win nothing.
    """

    day: date
    real: Money
    bonus: Money
    held: Money
    tournament: Money

    @property
    def whole(self) -> Money:
        return self.real + self.bonus + self.held + self.tournament
