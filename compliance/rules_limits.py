"""Limits in plain Python: periods through daylight saving, what is tighter, when a raise takes effect, what is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from compliance.types_limits import ROLLING, LimitDetails, LimitKind, LimitPeriod

P = LimitPeriod
Value = TypeVar("Value")

# Where a pack says nothing, a raise still waits: a limit that can be lifted at once protects nobody.
DEFAULT_RAISE_DELAY = timedelta(hours=24)
CONFIRM_WITHIN = timedelta(days=14)

_LENGTHS = {P.ROLLING_24H: timedelta(hours=24), P.ROLLING_7D: timedelta(days=7), P.ROLLING_30D: timedelta(days=30)}
_TICK = timedelta(microseconds=1)
A_MONDAY = date(2018, 1, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """What a period counts at one moment: everything from ``start`` on, both UTC. ``end``: when a calendar period ends."""

    start: datetime
    end: datetime | None

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)


def window_at(period: LimitPeriod, at: datetime, zone: str, four_weeks_from: date = A_MONDAY) -> Window:
    """The window of ``period`` at ``at``. Rolling ones are absolute hours; calendar ones run from local midnight to
    local midnight, so a day has 23 or 25 hours where the clocks change. Four weeks are counted from ``four_weeks_from``.

    What was used exactly a rolling length ago is free again. Raises: ValueError for a period without a window.
    """
    if period in ROLLING:
        return Window(at - _LENGTHS[period] + _TICK, None)
    today = at.astimezone(ZoneInfo(zone)).date()
    if period is P.DAY:
        first, after = today, today + timedelta(days=1)
    elif period is P.WEEK:
        first = today - timedelta(days=today.weekday())
        after = first + timedelta(days=7)
    elif period is P.FOUR_WEEKS:
        first = today - timedelta(days=(today - four_weeks_from).days % 28)
        after = first + timedelta(days=28)
    elif period is P.MONTH:
        first = today.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    else:
        raise ValueError(f"{period!r} has no window")
    return Window(_midnight(first, zone), _midnight(after, zone))


def frees_at(period: LimitPeriod, used_at: datetime) -> datetime:
    """When something used at ``used_at`` leaves a rolling window."""
    return used_at + _LENGTHS[period]


def is_tighter_or_equal(new: int | None, old: int | None) -> bool:
    """Whether a measure (None: no limit) leaves a player no more room than another."""
    return old is None or (new is not None and new <= old)


def raise_takes_effect_at(
    period: LimitPeriod, at: datetime, zone: str, *, delay: timedelta, not_before_period_end: bool
) -> datetime:
    """When a raise asked for at ``at`` may take effect: after the delay, and where the pack says so not before the
    running period is over. A rolling period is over when all that is counted now has left it."""
    earliest = at + delay
    if not not_before_period_end or period in (P.NONE, P.SESSION):
        return earliest
    end = window_at(period, at, zone).end
    return max(earliest, end if end else at + _LENGTHS[period])


def lowest(limits: Iterable[LimitDetails]) -> dict[tuple[LimitKind, LimitPeriod], LimitDetails]:
    """For each kind and period the limit that binds: the lowest of all who set one."""
    found: dict[tuple[LimitKind, LimitPeriod], LimitDetails] = {}
    for limit in sorted(limits, key=lambda one: (one.measure, one.active_from)):
        found.setdefault((limit.kind, limit.period), limit)
    return found


def missing_limits(
    demands: Iterable[tuple[LimitKind, LimitPeriod | None]], have: Collection[tuple[LimitKind, LimitPeriod]]
) -> list[tuple[LimitKind, LimitPeriod | None]]:
    """Which of the limits that a pack demands before play a player has not set; without a period any one will do."""
    return [
        (kind, period)
        for kind, period in demands
        if not any(kind is held and period in (None, over) for held, over in have)
    ]


def crossed(before: int, after: int, limit: int, percents: Iterable[int]) -> list[int]:
    """The warnings that a use sets off: each of ``percents`` of the limit that it reaches and that was not reached."""
    return [percent for percent in sorted(percents) if before * 100 < limit * percent <= after * 100]


def age_on(birth_date: date, day: date) -> int:
    """Whole years; somebody born on 29 February has their birthday on 1 March in other years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def next_birthday(birth_date: date, at: datetime, zone: str) -> datetime:
    """The moment after ``at`` at which somebody becomes a year older there."""
    today = at.astimezone(ZoneInfo(zone)).date()
    older = age_on(birth_date, today) + 1
    day = today + timedelta(days=1)
    while age_on(birth_date, day) < older:
        day += timedelta(days=1)
    return _midnight(day, zone)


def for_age(by_band: Mapping[str, Value], bands: Mapping[str, int], age: int | None) -> Value | None:
    """The value of the narrowest band that ``age`` falls in (``bands``: name to highest age), else the default's.

    An unknown age gets the youngest band's: never laxer."""
    fitting = [name for name, highest in bands.items() if name in by_band and (age is None or age <= highest)]
    if fitting:
        return by_band[min(fitting, key=lambda name: bands[name])]
    return by_band.get("default")


def months_before(at: datetime, months: int) -> datetime:
    """The same clock time so many calendar months ago; the last day of a shorter month."""
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    last = ((datetime(year, month + 1, 1, tzinfo=UTC) + timedelta(days=32)).replace(day=1) - timedelta(days=1)).day
    return at.replace(year=year, month=month + 1, day=min(at.day, last))


def _midnight(day: date, zone: str) -> datetime:
    """The first moment of a day; where midnight is skipped, the moment the clocks jump to."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
