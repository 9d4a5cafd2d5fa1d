"""A programme in words, and the difference between two."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from loyalty import rules
from loyalty.types_programme import ItemRule, LevelRule, ProgrammeRule


def describe(rule: ProgrammeRule) -> list[str]:
    """The rule as sentences, for whoever writes, releases or reads it."""
    return list(_sentences(rule))


def _sentences(rule: ProgrammeRule) -> Iterator[str]:
    yield f"For players in {', '.join(rule.markets)}." if rule.markets else "For players whom no other programme names."
    of = "every stake" if rule.count_bonus_stakes else "stakes of real money"
    yield f"A euro of turnover ({of}) earns {_n(rule.points_per_eur)} points, times what the game and the level say."
    if rule.coefficients:
        yield f"By game: {', '.join(f'{name} × {_n(factor)}' for name, factor in sorted(rule.coefficients.items()))}."
    if rule.games:
        yield f"For some games: {', '.join(f'{name} × {_n(factor)}' for name, factor in sorted(rule.games.items()))}."
    if rule.deposit_points_per_eur:
        yield f"A euro that is paid in earns {_n(rule.deposit_points_per_eur)} points."
    for level in rule.levels:
        yield _level(level)
    yield f"Within {rule.grace_days} days after it moved a level does not fall; then reviews take one level a time."
    yield from (_item(item) for item in rule.items)
    yield f"All points expire after {rule.expiry_months} months without a bet, a deposit or a redemption."


def _level(level: LevelRule) -> str:
    entered = f"entered at {level.entry_eur:,.0f} EUR, kept by {rules.keep_of(level):,.2f} EUR in 30 days"
    gives = f"points × {_n(level.multiplier)}, {_n(level.cashback * 100)} % cashback"
    more = f", {', '.join(name.replace('_', ' ') for name in level.privileges)}" if level.privileges else ""
    return f"{level.name}: {entered if level.entry_eur else 'where everybody begins'}; {gives}{more}."


def _item(item: ItemRule) -> str:
    worth = " or ".join(f"{amount:f} {currency}" for currency, amount in sorted(item.value.items())) or "free spins"
    waits = f"; from {item.approve_from_points:,} points on staff confirm it" if item.approve_from_points else ""
    return f"{item.points:,} points are {worth} ({item.name}){waits}."


def differences(before: ProgrammeRule | None, after: ProgrammeRule) -> list[tuple[str, tuple[str, str]]]:
    """Each value that differs, by its path: ("levels.1.entry_eur", ("10000", "8000")); "" where there is none."""
    old, new = dict(flatten(before)) if before else {}, dict(flatten(after))
    paths = [*old, *(path for path in new if path not in old)]
    return [(path, (old.get(path, ""), new.get(path, ""))) for path in paths if old.get(path) != new.get(path)]


def flatten(rule: ProgrammeRule) -> list[tuple[str, str]]:
    """The values of a rule by their paths."""
    return list(_leaves(msgspec.to_builtins(rule), ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key in value:
            yield from _leaves(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, row in enumerate(value):
            yield from _leaves(row, f"{path}.{number}")
    elif value not in ({}, []):
        yield path, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _n(number: Decimal) -> str:
    return f"{number.normalize():f}"
