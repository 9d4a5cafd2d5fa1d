"""Jurisdiction packs in force, for tests: shipped versions, or values made up where no pack is shipped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from compliance.models_packs import PackActivation
from compliance.pack_files import get_file
from compliance.pack_schema import SCHEMA
from kernel.packs import PackFile, Sourced, Status, to_json

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def put_in_force(pack_id: str, version: str, *only: str, since: datetime = LONG_AGO) -> PackFile:
    """A shipped version, without the people who would sign it; with ``only`` those of its keys that begin so, besides
    the age: what one part of compliance asks for can then be tried without the others."""
    file = get_file(pack_id, date.fromisoformat(version))
    if only:
        values = {key: item for key, item in file.values.items() if key.startswith(("age.", *only))}
        file = replace(file, values=values)
    return _activate(file, since)


def make_up(
    pack_id: str, *, currency: str = "EUR", timezone: str = "UTC", since: datetime = LONG_AGO, **rules: object
) -> PackFile:
    """A pack of a country that none is shipped for. Keys are written with two underscores for the dot."""
    rules = {"age__min": 18, **rules}
    values = {
        key: Sourced(SCHEMA[key].kind.read(value, ""), "test", "", Status.OWN)
        for key, value in ((name.replace("__", ".", 1), value) for name, value in rules.items())
    }
    file = PackFile(pack_id, date(2020, 1, 1), "test", currency, timezone, (pack_id,), values)
    return _activate(file, since)


def _activate(file: PackFile, since: datetime) -> PackFile:
    PackActivation.objects.create(
        pack=file.id,
        version=file.version,
        content=to_json(file),
        digest=file.digest,
        in_force_from=since,
        requested_by="test",
        activated_by="test",
        activated_at=since,
    )
    return file
