"""When a correction needs a second person, and when a dormant account may be charged."""

from __future__ import annotations

from datetime import datetime, timedelta

from kernel.money import Money

# Corrections of one player by one person within this time count together, so that a large one cannot be split.
COUNTED_TOGETHER = timedelta(hours=24)


def needs_approval(amount: Money, before: Money, threshold: Money | None) -> bool:
    """``before`` is what the same person has moved for the player already, either way, unapproved."""
    return threshold is None or abs(amount.amount_minor) + before.amount_minor > threshold.amount_minor


def months_before(at: datetime, months: int) -> datetime:
    """The same day and time that many calendar months earlier; the last day where the month is shorter."""
    index = at.year * 12 + at.month - 1 - months
    year, month = divmod(index, 12)
    for day in range(at.day, at.day - 4, -1):
        try:
            return at.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def quiet_since(at: datetime, months: int, notice_days: int) -> datetime:
    """Whoever did nothing since then is told now, so that the fee follows no earlier than ``months`` of silence."""
    return months_before(at + timedelta(days=notice_days), months)


def dormant_fee(balance: Money, fee: Money) -> Money:
    """A month's fee: never more than what is there."""
    return min(balance, fee)
