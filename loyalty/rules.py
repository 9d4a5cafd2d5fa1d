"""Loyalty's arithmetic and decisions: what earns, and how levels move.

Levels are named by their place in the programme, 0 for the lowest. The causes of a move, and nothing else moves one:

| cause | moves | when |
|---|---|---|
| turnover | up, over any number of levels | cumulative turnover enters a level that was never entered before |
| return | up, to a level that was lost | the turnover of 30 days is what keeps that level |
| rollback | down | bets that were undone had entered the level |
| review | down, one level | after the grace, the turnover of 30 days is below what keeps the level |
| forced | anywhere | staff say so, until a day or until they end it |
| programme | anywhere | the player belongs to another programme by now |

Every move starts the grace anew. A forced level stays until it ends; a frozen one does not fall. When a forced level ends,
it is kept like any other: it is lost one level at a time.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from loyalty.types import Hold, MoveCause
from loyalty.types_programme import EXCLUSIVE, LevelRule, ProgrammeRule

WINDOW_DAYS = 30
KEEP_PART = 12  # a level is kept by a twelfth of its entry, where the programme says nothing else


def keep_of(level: LevelRule) -> Decimal:
    """The turnover of 30 days, in EUR, that keeps a level."""
    return level.entry_eur / KEEP_PART if level.keep_eur is None else level.keep_eur


def reached(levels: Sequence[LevelRule], turnover: Decimal) -> int:
    """The highest level that a cumulative turnover enters."""
    return max((place for place, level in enumerate(levels) if turnover >= level.entry_eur), default=0)


def place_of(levels: Sequence[LevelRule], code: str) -> int:
    """Where a level stands in its programme; the lowest place for "" and for what is not there."""
    return next((place for place, level in enumerate(levels) if level.code == code), 0)


def window_start(day: date) -> date:
    """The first of the 30 calendar days (UTC) that end with ``day``."""
    return day - timedelta(days=WINDOW_DAYS - 1)


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a player stands. ``entered`` is the highest level that turnover ever entered; ``held`` is kept until
    ``held_until`` (None: until staff end it)."""

    level: int = 0
    entered: int = 0
    since: datetime | None = None
    grace_until: datetime | None = None
    held: Hold = Hold.NONE
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A level moved."""

    before: int
    after: int
    cause: MoveCause


Moved = tuple[Stand, Move | None]


def needs_window(levels: Sequence[LevelRule], stand: Stand, turnover: Decimal) -> bool:
    """Whether the turnover of 30 days matters for the next bet: only for who lost a level that they had entered."""
    return stand.held is not Hold.FORCED and stand.level < max(stand.entered, reached(levels, turnover))


def after_bet(rule: ProgrammeRule, stand: Stand, turnover: Decimal, window: Decimal, at: datetime) -> Moved:
    """After a bet that counts: ``turnover`` is the cumulative one with it, ``window`` that of 30 days."""
    if stand.held is Hold.FORCED:
        return stand, None
    levels, top = rule.levels, reached(rule.levels, turnover)
    if top > stand.entered:
        stand, before = replace(stand, entered=top), stand
        return _to(rule, stand, top, MoveCause.TURNOVER, at) if top > before.level else (stand, None)
    back = max((n for n in range(stand.level + 1, top + 1) if window >= keep_of(levels[n])), default=stand.level)
    return _to(rule, stand, back, MoveCause.RETURN, at)


def after_rollback(rule: ProgrammeRule, stand: Stand, before: Decimal, turnover: Decimal, at: datetime) -> Moved:
    """After a bet was undone: what it had entered was never entered."""
    top = reached(rule.levels, turnover)
    if top >= reached(rule.levels, before):
        return stand, None
    stand = replace(stand, entered=min(stand.entered, top))
    fell = stand.level > top and stand.level <= reached(rule.levels, before)
    return _to(rule, stand, top, MoveCause.ROLLBACK, at) if fell else (stand, None)


def after_review(rule: ProgrammeRule, stand: Stand, turnover: Decimal, window: Decimal, at: datetime) -> Moved:
    """The daily review: at most one level down; up where a new version of the programme lets a level be entered."""
    moved, move = after_bet(rule, stand, turnover, window, at)
    if move or not falls(rule, moved, window, at):
        return moved, move
    return _to(rule, moved, moved.level - 1, MoveCause.REVIEW, at)


def falls(rule: ProgrammeRule, stand: Stand, window: Decimal, at: datetime) -> bool:
    """Whether a review at ``at`` takes the level."""
    over = stand.grace_until is None or at >= stand.grace_until
    return stand.held is Hold.NONE and stand.level > 0 and over and window < keep_of(rule.levels[stand.level])


def force(rule: ProgrammeRule, stand: Stand, level: int, until: datetime | None, at: datetime) -> Moved:
    """Staff set the level; nothing else moves it until ``until``."""
    stand = replace(stand, held=Hold.NONE)
    stand, move = _to(rule, stand, level, MoveCause.FORCED, at)
    return replace(stand, held=Hold.FORCED, held_until=until), move


def freeze(stand: Stand, until: datetime | None) -> Stand:
    """The level does not fall until ``until``; it may rise."""
    return replace(stand, held=Hold.FROZEN, held_until=until)


def end_hold(rule: ProgrammeRule, stand: Stand, turnover: Decimal, window: Decimal, at: datetime) -> Moved:
    """A forced or frozen level ended: from here on it moves like any other, with a whole grace before it may fall."""
    stand = replace(stand, held=Hold.NONE, held_until=None, grace_until=at + timedelta(days=rule.grace_days))
    return after_bet(rule, stand, turnover, window, at)


def change_programme(rule: ProgrammeRule, stand: Stand, turnover: Decimal, at: datetime) -> tuple[Stand, Move]:
    """The player belongs to ``rule`` by now, whose levels are others: the one that the turnover enters is theirs."""
    top = reached(rule.levels, turnover)
    stand = replace(stand, entered=top, held=Hold.NONE, held_until=None)
    return replace(stand, level=top, since=at, grace_until=at + timedelta(days=rule.grace_days)), Move(
        stand.level, top, MoveCause.PROGRAMME
    )


def _to(rule: ProgrammeRule, stand: Stand, level: int, cause: MoveCause, at: datetime) -> Moved:
    if level == stand.level or stand.held is Hold.FORCED:
        return stand, None
    moved = replace(stand, level=level, since=at, grace_until=at + timedelta(days=rule.grace_days))
    return moved, Move(stand.level, level, cause)


# --- points -------------------------------------------------------------------------------------------------------


def coefficient_of(rule: ProgrammeRule, game: str, category: str, exclusive: bool) -> Decimal:
    """What a euro of turnover counts in a game."""
    found = rule.games.get(game)
    if found is None and exclusive:
        found = rule.coefficients.get(EXCLUSIVE)
    if found is None:
        found = rule.coefficients.get(category)
    return Decimal(1) if found is None else found


def earned_by_bet(
    rule: ProgrammeRule, turnover: Decimal, coefficient: Decimal, multiplier: Decimal, promotion: Decimal
) -> Decimal:
    """Exact: nothing is rounded before the balance is told in whole points."""
    return turnover * rule.points_per_eur * coefficient * multiplier * promotion


def promotion_of(campaigns: Sequence[tuple[Decimal, bool]]) -> Decimal:
    """What campaigns multiply by together, each as (factor, whether it stacks): the highest of those that do not stack,
    times all that do; to three decimals, half to even."""
    product = max([factor for factor, stacks in campaigns if not stacks], default=Decimal(1))
    for factor, stacks in campaigns:
        product *= factor if stacks else 1
    return product.quantize(Decimal("0.001"), ROUND_HALF_EVEN)


def whole(earned: Decimal) -> int:
    """Whole points of an exact sum: what is over is carried."""
    return int(earned.to_integral_value(ROUND_FLOOR))


def months_later(moment: datetime, months: int) -> datetime:
    """The same day and time so many calendar months later (or before); the month's last day where it is shorter."""
    number = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(number, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


# --- rules that cannot be -----------------------------------------------------------------------------------------


def errors_of(rule: ProgrammeRule) -> dict[str, list[str]]:
    """What is wrong with a programme, by field; empty: nothing."""
    found: dict[str, list[str]] = {}
    _check_levels(rule, found)
    _check_numbers(rule, found)
    _check_items(rule, found)
    return found


_MOST = Decimal(10) ** 9


def _check_levels(rule: ProgrammeRule, found: dict[str, list[str]]) -> None:
    levels = rule.levels
    if not 1 <= len(levels) <= 50:
        found["levels"] = ["Give 1 to 50 levels."]
        return
    if levels[0].entry_eur != 0:
        found["levels.0.entry_eur"] = ["The lowest level is entered at 0: everybody begins there."]
    for n, level in enumerate(levels):
        at = f"levels.{n}"
        if not _is_code(level.code):
            found[f"{at}.code"] = ["Use 1 to 20 small letters, digits, hyphens and underscores."]
        if not level.name.strip() or len(level.name) > 60:
            found[f"{at}.name"] = ["Give the level a name of at most 60 characters."]
        if n and not levels[n - 1].entry_eur < level.entry_eur <= _MOST:
            found[f"{at}.entry_eur"] = ["Each level is entered at a higher turnover than the one before it."]
        if level.keep_eur is not None and not 0 <= level.keep_eur <= _MOST:
            found[f"{at}.keep_eur"] = ["Give a turnover from 0 on, or leave it out for a twelfth of the entry."]
        if n and keep_of(levels[n - 1]) > keep_of(level):
            found[f"{at}.keep_eur"] = ["A level is not kept by less than the one below it."]
        if not 0 < level.multiplier <= 100 or _digits(level.multiplier) > 3:
            found[f"{at}.multiplier"] = ["Give a number above 0, at most 100, with up to three decimals."]
        if not 0 <= level.cashback < 1 or _digits(level.cashback) > 4:
            found[f"{at}.cashback"] = ["Give a fraction from 0 to below 1: 0.02 for 2 %."]
        if any(not _is_code(name, 40) for name in level.privileges):
            found[f"{at}.privileges"] = ["Name privileges in small letters, digits and underscores."]
    if len({level.code for level in levels}) < len(levels):
        found["levels"] = ["Two levels have the same code."]


def _check_numbers(rule: ProgrammeRule, found: dict[str, list[str]]) -> None:
    for name, value in (
        ("points_per_eur", rule.points_per_eur),
        ("deposit_points_per_eur", rule.deposit_points_per_eur),
    ):
        if not 0 <= value <= 1000 or _digits(value) > 2:
            found[name] = ["Give a number from 0 to 1000 with up to two decimals."]
    for field, numbers in (("coefficients", rule.coefficients), ("games", rule.games)):
        for name, value in numbers.items():
            if not 0 <= value <= 100 or _digits(value) > 3:
                found[f"{field}.{name}"] = ["Give a number from 0 to 100 with up to three decimals."]
    if not 0 <= rule.grace_days <= 3650:
        found["grace_days"] = ["Give 0 to 3650 days."]
    if not 1 <= rule.expiry_months <= 120:
        found["expiry_months"] = ["Give 1 to 120 months."]
    if any(not 1 <= days <= rule.expiry_months * 28 for days in rule.warn_days) or len(rule.warn_days) > 5:
        found["warn_days"] = ["Give at most five numbers of days, within the months of expiry."]
    if not 1 <= rule.hold_hours <= 24 * 90:
        found["hold_hours"] = ["Give 1 to 2160 hours."]


def _check_items(rule: ProgrammeRule, found: dict[str, list[str]]) -> None:
    codes = {level.code for level in rule.levels}
    for n, item in enumerate(rule.items):
        at = f"items.{n}"
        if not _is_code(item.code, 40):
            found[f"{at}.code"] = ["Use 1 to 40 small letters, digits, hyphens and underscores."]
        if not item.name.strip() or len(item.name) > 120:
            found[f"{at}.name"] = ["Give it a name of at most 120 characters."]
        if not item.offer:
            found[f"{at}.offer"] = ["Name the bonus offer that gives it."]
        if not 1 <= item.points <= 10**9:
            found[f"{at}.points"] = ["Give 1 to 1,000,000,000 points a step."]
        if not 1 <= item.min_steps <= item.max_steps <= 10_000:
            found[f"{at}.min_steps"] = ["Give 1 to 10,000 steps, the least not above the most."]
        if any(not 0 < value <= _MOST for value in item.value.values()):
            found[f"{at}.value"] = ["Give an amount above 0 for each currency."]
        if unknown := [code for code in item.levels if code not in codes]:
            found[f"{at}.levels"] = [f"There is no level {unknown[0]}."]
    if len({item.code for item in rule.items}) < len(rule.items):
        found["items"] = ["Two of them have the same code."]


def _is_code(text: str, longest: int = 20) -> bool:
    return 0 < len(text) <= longest and all(c.isascii() and (c.islower() or c.isdigit() or c in "-_") for c in text)


def _digits(value: Decimal) -> int:
    """Digits after the point."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 99
