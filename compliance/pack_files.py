"""The pack files of this release, and those that the operator keeps beside them (settings.PACK_FOLDERS).

Read once per process and refused as a whole when one does not fit: nothing is in force by accident.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from django.conf import settings

from compliance.pack_schema import SCHEMA
from compliance.rules_packs import check_house
from compliance.types_packs import HOUSE
from kernel.errors import NotFound
from kernel.pack_files import load_folder
from kernel.packs import PackFile

SHIPPED = Path(__file__).parent / "packs"


@cache
def load_packs() -> Mapping[str, Sequence[PackFile]]:
    """Every version of every pack, oldest first. Raises: kernel.packs.PackError."""
    return read_folders([SHIPPED, *map(Path, settings.PACK_FOLDERS)])


@cache
def load_sources() -> Mapping[str, str]:
    """Where values were seen: id and address."""
    return _read_sources([SHIPPED, *map(Path, settings.PACK_FOLDERS)])


def read_folders(folders: Sequence[Path]) -> dict[str, list[PackFile]]:
    """Raises: kernel.packs.PackError."""
    sources, packs = _read_sources(folders), dict[str, list[PackFile]]()
    for folder in folders:
        for pack_id, versions in load_folder(folder, SCHEMA, sources, packs).items():
            packs[pack_id] = versions
    for house in packs.get(HOUSE, ()):
        check_house(house, packs)
    return packs


def _read_sources(folders: Sequence[Path]) -> dict[str, str]:
    sources: dict[str, str] = {}
    for path in (folder / "sources.toml" for folder in folders):
        if path.exists():
            sources |= tomllib.loads(path.read_text())
    return sources


def get_file(pack_id: str, version: date) -> PackFile:
    """Raises: NotFound."""
    found = find_file(pack_id, version)
    if found is None:
        known = ", ".join(str(file.version) for file in load_packs().get(pack_id, ())) or "none"
        raise NotFound(f"There is no file for {pack_id} {version}; there are: {known}.")
    return found


def find_file(pack_id: str, version: date) -> PackFile | None:
    return next((file for file in load_packs().get(pack_id, ()) if file.version == version), None)
