"""Which pack holds for whom, and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from compliance.models_packs import PackActivation
from compliance.pack_files import load_packs
from compliance.pack_schema import SCHEMA
from compliance.rules_packs import Book, effective_at, residence_codes
from compliance.types_packs import DEFAULT, HOUSE, ActivationDetails, EffectivePack, PackVersion, VersionState
from kernel.db import fetch_one
from kernel.packs import PackFile, from_json
from players.selectors import count_by_residence, get_residence

# Whoever activates takes it alone, whoever compiles rows from packs shares it.
PACKS_LOCK = 0x5041434B


def get_pack(*, country: str, region: str = "", at: datetime) -> EffectivePack:
    """What holds for people who live in ``country`` (ISO 3166-1) and ``region`` (the part after the dash of ISO 3166-2).

    One small query looks whether anything was activated since; the rest is in memory.
    """
    return get_book().get(country, region, at)


def get_pack_of(player_id: UUID, at: datetime) -> EffectivePack:
    """Raises: UnknownPlayer."""
    country, region = get_residence(player_id)
    return get_pack(country=country, region=region, at=at)


def keep_packs_still() -> None:
    """Have activations wait for the end of this transaction: what is compiled from a pack in it is known to them then."""
    fetch_one("SELECT pg_advisory_xact_lock_shared(%s)::text", [PACKS_LOCK])


def get_book() -> Book:
    """Everything that was activated."""
    return _book(frozenset(PackActivation.objects.values_list("id", flat=True)))


@lru_cache(maxsize=4)
def _book(activations: frozenset[UUID]) -> Book:
    """Rows never change, so their ids tell what they say."""
    rows = PackActivation.objects.filter(id__in=activations).order_by("id")
    entries = [(row.in_force_from, from_json(row.content, SCHEMA)) for row in rows]
    return Book(entries, load_packs().get(DEFAULT, ()))


def list_versions(at: datetime) -> dict[str, list[PackVersion]]:
    """Every pack's versions, newest first, as they stand at ``at``: the files', and what was activated once."""
    book, players = get_book(), count_by_residence()
    rows = {(row.pack, row.version): row for row in PackActivation.objects.all()}
    found: dict[str, list[PackVersion]] = {}
    for pack_id in sorted({*load_packs(), *(pack for pack, _ in rows)}, key=_order):
        versions = {file.version: file for file in load_packs().get(pack_id, ())}
        for (pack, version), row in rows.items():
            if pack == pack_id and version not in versions:
                versions[version] = from_json(row.content, SCHEMA)
        found[pack_id] = [
            _version(versions[day], rows.get((pack_id, day)), book, players, at)
            for day in sorted(versions, reverse=True)
        ]
    return found


def _order(pack_id: str) -> tuple[int, str]:
    return ({HOUSE: 1, DEFAULT: 2}.get(pack_id, 0), pack_id)


def _version(
    file: PackFile, row: PackActivation | None, book: Book, players: Mapping[tuple[str, str], int], at: datetime
) -> PackVersion:
    in_force = book.in_force(file.id, at)
    newest = book.newest(file.id)
    if in_force and in_force.version == file.version:
        state = VersionState.IN_FORCE
    elif row and row.in_force_from > at:
        state = VersionState.WAITS
    elif newest and newest.version > file.version:
        state = VersionState.SUPERSEDED
    else:
        state = VersionState.DUE if effective_at(file) <= at else VersionState.NOT_ACTIVATED
    return PackVersion(
        file=file,
        state=state,
        effective_at=row.in_force_from if row else effective_at(file),
        activation=details(row) if row else None,
        changed=bool(row and row.digest != file.digest),
        players=sum(count for place, count in players.items() if _lives(file, place)),
    )


def _lives(file: PackFile, place: tuple[str, str]) -> bool:
    """Whether the pack is that of who lives there; a house policy is everybody's, the default of whom no file is for."""
    if file.id == HOUSE:
        return True
    codes = residence_codes(*place)
    if file.id == DEFAULT:
        return not any(set(codes) & set(version.residence) for files in load_packs().values() for version in files)
    return bool(set(codes) & set(file.residence))


def list_uncovered(at: datetime) -> list[tuple[str, int]]:
    """Places where players live for whom there is a pack and none is in force: (code, players), most first."""
    book, found = get_book(), []
    for (country, region), count in count_by_residence().items():
        codes = residence_codes(country, region)
        written = any(set(codes) & set(file.residence) for files in load_packs().values() for file in files)
        if written and book.get(country, region, at).pack_id == DEFAULT:
            found.append((codes[0], count))
    return sorted(found, key=lambda place: (-place[1], place[0]))


def list_activations(pack_id: str = "") -> list[ActivationDetails]:
    """Newest first."""
    rows = PackActivation.objects.order_by("-id")
    return [details(row) for row in (rows.filter(pack=pack_id) if pack_id else rows)]


def details(row: PackActivation) -> ActivationDetails:
    return ActivationDetails(
        id=row.id,
        pack_id=row.pack,
        version=row.version,
        digest=row.digest,
        signed_off=row.signed_off,
        in_force_from=row.in_force_from,
        activated_at=row.activated_at,
        activated_by=row.activated_by,
        requested_by=row.requested_by,
    )
