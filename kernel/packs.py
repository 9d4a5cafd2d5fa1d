"""Packs: dated TOML files of sourced values, read against a schema that knows each key's type, unit and direction.

Knows no domain: which keys there are, and what they mean, the app says that owns the packs. A file that does not fit is
refused with the file, the key and what to do.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from kernel.currencies import UnknownCurrency
from kernel.money import InvalidAmount, Money

Value: TypeAlias = (
    bool | int | str | Money | tuple[str, ...] | tuple[int, ...] | Mapping[str, int] | Mapping[str, Money]
)

_KEY = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_TERM = re.compile(r"([1-9][0-9]{0,3})(h|d|w|mo|y)")
_HOURS = {"h": 1, "d": 24, "w": 168, "mo": 730, "y": 8760}
_HEAD = {"id", "authority", "currency", "timezone", "residence", "based_on", "removed"}


class PackError(ValueError):
    """A pack file does not fit; the text names the file, the key and the remedy."""


class Tighter(StrEnum):
    """Which way a value binds more. A policy that may only tighten moves this way."""

    LOWER = "lower"
    HIGHER = "higher"
    TRUE = "true"
    FALSE = "false"
    MORE = "more of them"
    FEWER = "fewer of them"
    LATER = "later in the list"
    NONE = "not comparable"


class Status(StrEnum):
    """How well a value is known."""

    OFFICIAL = "official"  # seen in a text of the regulator or the law
    SECONDARY = "secondary"  # seen with somebody who reports it
    PRIOR = "prior"  # nobody has seen a source: needs a person's word before it is in force
    OWN = "own"  # the operator's own decision


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a key's value. ``unit`` is in words; ``options`` are all that may stand there, lax to strict."""

    name: str
    unit: str = ""
    options: tuple[str, ...] = ()
    low: int = 0
    high: int = 10**9

    def read(self, raw: object, currency: str) -> Value:
        """A value as TOML or JSON has it. Raises: ValueError with what is right."""
        if self.name.startswith("table of "):
            if not isinstance(raw, dict) or not raw:
                raise ValueError(f"write a table such as {{ {self.options[0]} = … }}")
            if unknown := sorted(set(raw) - set(self.options)):
                raise ValueError(f"knows no {', '.join(unknown)}; use {', '.join(self.options)}")
            single = self.single
            return {name: single.read(item, currency) for name, item in raw.items()}  # type: ignore[return-value]
        if self.name.startswith("list of "):
            if not isinstance(raw, list | tuple) or len(set(raw)) != len(raw):
                raise ValueError("write a list without repetitions")
            return tuple(self.single.read(item, currency) for item in raw)  # type: ignore[return-value]
        return self._read_single(raw, currency)

    @property
    def single(self) -> Kind:
        """The kind of one item of a list or table."""
        of = self.name.removeprefix("table of ").removeprefix("list of ")
        return Kind(of, self.unit, () if self.name.startswith("table") else self.options, self.low, self.high)

    def _read_single(self, raw: object, currency: str) -> Value:
        match self.name:
            case "flag":
                if isinstance(raw, bool):
                    return raw
                raise ValueError("write true or false")
            case "integer":
                if type(raw) is int and self.low <= raw <= self.high:
                    return raw
                raise ValueError(f"write a whole number of {self.unit}, {self.low} to {self.high}")
            case "amount":
                return _read_amount(raw, currency)
            case "choice":
                if isinstance(raw, str) and raw in self.options:
                    return raw
                raise ValueError(f"write one of {', '.join(self.options)}")
            case "term":
                if isinstance(raw, str) and (_TERM.fullmatch(raw) or raw in self.options):
                    return raw
                raise ValueError('write a length of time such as "24h", "30d", "6mo" or "1y"')
            case _:
                if isinstance(raw, str) and raw.strip():
                    return raw
                raise ValueError("write a text")


def _read_amount(raw: object, currency: str) -> Money:
    try:
        number, code = str(raw).split() if isinstance(raw, str) else ("", "")
        money = Money.parse(number, code)
    except (ValueError, InvalidAmount, UnknownCurrency) as error:
        raise ValueError('write an amount with its currency, such as "150.00 GBP"') from error
    if money.amount_minor < 0 or (currency and money.currency != currency):
        raise ValueError(f"write an amount in {currency or 'a currency'} that is not negative")
    return money


FLAG = Kind("flag")
TEXT = Kind("text")
TEXTS = Kind("list of text")
AMOUNT = Kind("amount", "major units and currency")
TERM = Kind("term", "h, d, w, mo, y")


def integer(unit: str, low: int = 0, high: int = 10**9) -> Kind:
    return Kind("integer", unit, (), low, high)


def integers(unit: str, low: int = 0, high: int = 10**9) -> Kind:
    return Kind("list of integer", unit, (), low, high)


def choice(*options: str) -> Kind:
    """One of ``options``, which stand from lax to strict."""
    return Kind("choice", "", options)


def choices(*options: str) -> Kind:
    return Kind("list of choice", "", options)


def terms(*others: str) -> Kind:
    """Lengths of time, or one of the words ``others``."""
    return Kind("list of term", "h, d, w, mo, y", others)


def amount_by(*names: str) -> Kind:
    """An amount per name; whoever is none of the names has that of ``default``."""
    return Kind("table of amount", "major units and currency", names)


def integer_by(unit: str, *names: str, low: int = 0, high: int = 10**9) -> Kind:
    return Kind("table of integer", unit, names, low, high)


@dataclass(frozen=True, slots=True)
class Key:
    """What may stand under one dotted name.

    ``needed_by`` are the actions that are denied where the pack does not say it; ``needs`` are keys that must stand
    beside it. ``any_currency``: an amount that a law states in a currency other than the pack's.
    """

    kind: Kind
    means: str
    tighter: Tighter = Tighter.NONE
    needed_by: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    any_currency: bool = False


Schema: TypeAlias = Mapping[str, Key]


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value and where it comes from: the rule's own name, the id of the source, how well it is known, since when."""

    value: Value
    rule: str
    source: str
    status: Status
    since: str = ""


@dataclass(frozen=True, slots=True)
class PackFile:
    """One version of a pack as its file says it, what it is based on included.

    ``version`` is the day from which it holds, at midnight of ``timezone``. ``only`` are values for single packs: a house
    policy's. ``digest`` binds all of it.
    """

    id: str
    version: date
    authority: str
    currency: str
    timezone: str
    residence: tuple[str, ...]
    values: Mapping[str, Sourced]
    only: Mapping[str, Mapping[str, Sourced]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Hex SHA-256 over everything the version says."""
        return hashlib.sha256(json.dumps(to_json(self), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def unsourced(self) -> tuple[str, ...]:
        """Keys whose values nobody has seen a source for."""
        mine = [key for key, item in self.values.items() if item.status == Status.PRIOR]
        return (*mine, *(f"{pack}:{key}" for pack, keys in self.only.items()
                         for key, item in keys.items() if item.status == Status.PRIOR))  # fmt: skip


# --- files -------------------------------------------------------------------------------------------------------


def load_folder(
    folder: Path, schema: Schema, sources: Mapping[str, str], known: Mapping[str, list[PackFile]]
) -> dict[str, list[PackFile]]:
    """``known`` and every version in ``folder``/<id>/<date>.toml, oldest first. Raises: PackError."""
    found = {pack_id: list(files) for pack_id, files in known.items()}
    for path in sorted(folder.glob("*/*.toml")):
        others = found.setdefault(path.parent.name, [])
        file = load_file(path, schema, sources, others)
        if any(other.version == file.version for other in others):
            raise PackError(f"{path.parent.name}/{path.name}: this version stands in another folder already")
        found[file.id] = sorted([*others, file], key=lambda one: one.version)
    return found


def load_file(path: Path, schema: Schema, sources: Mapping[str, str], earlier: list[PackFile]) -> PackFile:
    """One version; ``earlier`` are those that it may be based on. Raises: PackError."""
    place = f"{path.parent.name}/{path.name}"
    try:
        version = date.fromisoformat(path.stem)
        data = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"{place}: this is not TOML: {error}") from error
    except ValueError as error:
        raise PackError(f"{place}: name the file after the day it takes effect, such as 2026-10-01.toml") from error
    return read_pack(data, place, path.parent.name, version, schema, sources, earlier)


def read_pack(
    data: Mapping[str, Any],
    place: str,
    pack_id: str,
    version: date,
    schema: Schema,
    sources: Mapping[str, str],
    earlier: list[PackFile],
) -> PackFile:
    """Raises: PackError."""
    if unknown := sorted(set(data) - {"pack", "rules", "rules_in"}):
        raise PackError(f"{place}: knows no [{unknown[0]}]; use [pack], [rules.…] and [rules_in.…]")
    head = data.get("pack", {})
    if unknown := sorted(set(head) - _HEAD):
        raise PackError(f"{place}: [pack] knows no {unknown[0]}; it has {', '.join(sorted(_HEAD))}")
    base = _base_of(head, place, earlier)
    whole = {**_head_of(base), **{name: head[name] for name in head if name not in ("based_on", "removed")}}
    _check_head(whole, place, pack_id)
    values = dict(base.values) if base else {}
    for key in head.get("removed", ()):
        if values.pop(key, None) is None:
            raise PackError(f"{place}: removed names {key}, which the version it is based on does not have")
    currency = whole["currency"]
    values |= _read_rules(data.get("rules", {}), f"{place} [rules", schema, sources, currency)
    only = {
        other: _read_rules(rules, f"{place} [rules_in.{other}", schema, sources, "")
        for other, rules in data.get("rules_in", {}).items()
    }
    _check_needs(values, place, schema)
    return PackFile(
        pack_id,
        version,
        whole["authority"],
        currency,
        whole["timezone"],
        tuple(whole["residence"]),
        values,
        {**(base.only if base else {}), **only},
    )


def _base_of(head: Mapping[str, Any], place: str, earlier: list[PackFile]) -> PackFile | None:
    if "based_on" not in head:
        return None
    base = next((file for file in earlier if file.version.isoformat() == head["based_on"]), None)
    if base is None:
        raise PackError(f"{place}: is based on {head['based_on']}, and there is no such earlier version")
    return base


def _head_of(base: PackFile | None) -> dict[str, Any]:
    if base is None:
        return {}
    return {name: getattr(base, name) for name in ("id", "authority", "currency", "timezone", "residence")}


def _check_head(head: Mapping[str, Any], place: str, pack_id: str) -> None:
    for name in ("id", "authority", "currency", "timezone", "residence"):
        if name not in head:
            raise PackError(f"{place}: [pack] must say {name}")
    if head["id"] != pack_id:
        raise PackError(f"{place}: says it is {head['id']!r}, but stands in the folder {pack_id}")
    try:
        ZoneInfo(head["timezone"])
        Money.zero(head["currency"]) if head["currency"] else None
    except (LookupError, ValueError) as error:
        raise PackError(f"{place}: timezone or currency: {error}") from error


def _read_rules(
    tables: Mapping[str, Any], place: str, schema: Schema, sources: Mapping[str, str], currency: str
) -> dict[str, Sourced]:
    found: dict[str, Sourced] = {}
    for group, rules in tables.items():
        for name, item in rules.items():
            key = f"{group}.{name}"
            if key not in schema:
                raise PackError(f"{place}.{group}]: {key} is not in the schema; is it spelt right?")
            try:
                found[key] = _read_sourced(item, schema[key], sources, currency)
            except ValueError as error:
                raise PackError(f"{place}.{group}]: {key}: {error}") from error
    return found


def _read_sourced(item: object, key: Key, sources: Mapping[str, str], currency: str) -> Sourced:
    if not isinstance(item, dict) or not {"value", "rule", "status"} <= item.keys():
        raise ValueError(
            'write { value = …, rule = "…", source = "…", status = "…" }: each value says where it is from'
        )
    if unknown := sorted(item.keys() - {"value", "rule", "source", "status", "since"}):
        raise ValueError(f"knows no {unknown[0]} beside value, rule, source, status, since")
    source, since = item.get("source", ""), item.get("since", "")
    try:
        status = Status(item["status"])
    except ValueError:
        raise ValueError(f"status is one of {', '.join(Status)}") from None
    if source and source not in sources:
        raise ValueError(f"source {source} does not stand in sources.toml")
    if not source and status in (Status.OFFICIAL, Status.SECONDARY):
        raise ValueError(f"a value that is {status} names the source where it was seen; without one it is prior")
    if since:
        date.fromisoformat(since)
    value = key.kind.read(item["value"], "" if key.any_currency else currency)
    return Sourced(value, str(item["rule"]), source, status, since)


def _check_needs(values: Mapping[str, Sourced], place: str, schema: Schema) -> None:
    for name in values:
        for other in schema[name].needs:
            if other not in values:
                raise PackError(f"{place}: {name} needs {other} beside it")


# --- JSON, as kept and signed ------------------------------------------------------------------------------------


def to_json(file: PackFile) -> dict[str, Any]:
    """Everything the version says, with texts, whole numbers, booleans, lists and tables only."""
    return {
        "pack": {
            "id": file.id,
            "version": file.version.isoformat(),
            "authority": file.authority,
            "currency": file.currency,
            "timezone": file.timezone,
            "residence": list(file.residence),
        },
        "values": _values_to_json(file.values),
        "only": {pack: _values_to_json(values) for pack, values in file.only.items()},
    }


def from_json(content: Mapping[str, Any], schema: Schema) -> PackFile:
    """What was kept. Keys that the schema no longer has are left out: nothing asks for them."""
    head = content["pack"]
    return PackFile(
        head["id"],
        date.fromisoformat(head["version"]),
        head["authority"],
        head["currency"],
        head["timezone"],
        tuple(head["residence"]),
        _values_from_json(content["values"], schema),
        {pack: _values_from_json(values, schema) for pack, values in content["only"].items()},
    )


def _values_to_json(values: Mapping[str, Sourced]) -> dict[str, Any]:
    return {
        key: {
            "value": value_to_json(item.value),
            "rule": item.rule,
            "source": item.source,
            "status": item.status.value,
            "since": item.since,
        }
        for key, item in values.items()
    }


def _values_from_json(values: Mapping[str, Any], schema: Schema) -> dict[str, Sourced]:
    return {
        key: Sourced(
            schema[key].kind.read(item["value"], ""),
            item["rule"],
            item["source"],
            Status(item["status"]),
            item["since"],
        )
        for key, item in values.items()
        if key in schema
    }


def value_to_json(value: Value) -> Any:
    if isinstance(value, Money):
        return f"{value} {value.currency}"
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {name: value_to_json(item) for name, item in value.items()}
    return value


# --- tightening --------------------------------------------------------------------------------------------------


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
        found = _TERM.fullmatch(value)
        return int(found[1]) * _HOURS[found[2]] if found else 0
    return value
