"""Packs: dated TOML files of sourced values, read against a schema that knows each key's type, unit and direction.

Knows no domain: which keys there are, and what they mean, the app says that owns the packs. Files are read in ``pack_files``,
compared in ``pack_strictness``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, TypeAlias

from kernel.currencies import UnknownCurrency
from kernel.money import InvalidAmount, Money

Value: TypeAlias = (
    bool | int | str | Money | tuple[str, ...] | tuple[int, ...] | Mapping[str, int] | Mapping[str, Money]
)

_KEY = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
TERM_PATTERN = re.compile(r"([1-9][0-9]{0,3})(h|d|w|mo|y)")


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
                if isinstance(raw, str) and (TERM_PATTERN.fullmatch(raw) or raw in self.options):
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
