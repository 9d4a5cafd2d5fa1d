"""Providers' reports, cases and what players are owed, as they cross the border of wallet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from kernel.money import Money


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
