"""Packs as TOML files: read, and refused where they do not fit, with the place, the key and the remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kernel.money import Money
from kernel.packs import Key, PackError, PackFile, Schema, Sourced, Status

_HEAD = {"id", "authority", "currency", "timezone", "residence", "based_on", "removed"}


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
