"""Which of two values of a pack is the stricter one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernel.money import Money
from kernel.packs import TERM_PATTERN, Key, Tighter, Value

_HOURS = {"h": 1, "d": 24, "w": 168, "mo": 730, "y": 8760}


def tightest(key: Key, one: Value, other: Value) -> Value:
    """The stricter of two values; of sets and tables, what binds most of each. Never laxer than either.

    Raises: ValueError when the key's values cannot be compared (and CurrencyMismatch for unlike currencies).
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = [*one, *(name for name in other if name not in one)]
        return {name: _tightest_entry(key, name, one, other) for name in names}  # type: ignore[return-value]
    match key.tighter:
        case Tighter.LOWER:
            return one if _rank(key, one) <= _rank(key, other) else other
        case Tighter.HIGHER | Tighter.LATER:
            return one if _rank(key, one) >= _rank(key, other) else other
        case Tighter.TRUE:
            return bool(one or other)
        case Tighter.FALSE:
            return bool(one and other)
        case Tighter.MORE:
            return _items(one) + tuple(item for item in _items(other) if item not in _items(one))
        case Tighter.FEWER:
            return tuple(item for item in _items(one) if item in _items(other))
        case _:
            raise ValueError("values of this key cannot be compared, so nobody can say which is stricter")


def _tightest_entry(key: Key, name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Value:
    """A name that one side does not know has that side's ``default`` there."""
    mine, theirs = one.get(name, one.get("default")), other.get(name, other.get("default"))
    if mine is None or theirs is None:
        return theirs if mine is None else mine
    return tightest(key, mine, theirs)


def loosens(key: Key, base: Value, value: Value) -> bool:
    """Whether ``value`` would allow more than ``base`` does. Of tables, only what ``value`` names is looked at."""
    if isinstance(value, Mapping) and isinstance(base, Mapping):
        pairs = [(base.get(name, base.get("default")), item) for name, item in value.items()]
        return any(theirs is not None and loosens(key, theirs, item) for theirs, item in pairs)
    match key.tighter:
        case Tighter.LOWER:
            return bool(_rank(key, value) > _rank(key, base))
        case Tighter.HIGHER | Tighter.LATER:
            return bool(_rank(key, value) < _rank(key, base))
        case Tighter.TRUE:
            return bool(base and not value)
        case Tighter.FALSE:
            return bool(value and not base)
        case Tighter.MORE | Tighter.FEWER:
            return False  # what it names is added or taken out; that cannot allow more
        case _:
            return value != base


def _items(value: Value) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


def _rank(key: Key, value: Value) -> Any:
    if isinstance(value, Money):
        return value
    if isinstance(value, str):
        if value in key.kind.options:
            return key.kind.options.index(value)
        found = TERM_PATTERN.fullmatch(value)
        return int(found[1]) * _HOURS[found[2]] if found else 0
    return value
