"""The files of documents: one per page below DOCUMENTS_PATH, sealed under the player's own key.

A file's name tells nothing but the document's id and the page. What it holds opens for that player, document and page only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

from kernel import vault

_NAME = re.compile(r"[0-9a-f-]{36}\.[0-9]+")


class PageMissing(LookupError):
    """The folder does not hold this page."""


def write_pages(*, player_id: UUID, document_id: UUID, pages: Sequence[bytes], at: datetime) -> None:
    """Seal and keep the pages; all are on disk when it returns. Raises: kernel.vault.Destroyed."""
    for number, page in enumerate(pages, start=1):
        _write(_place(document_id, number), vault.seal_bytes(player_id, _field(document_id, number), page, at=at))


def read_page(*, player_id: UUID, document_id: UUID, page: int) -> bytes:
    """One page as a JPEG. Raises: PageMissing, kernel.vault.Destroyed, kernel.vault.Damaged."""
    try:
        sealed = _place(document_id, page).read_bytes()
    except FileNotFoundError:
        raise PageMissing(f"page {page} of document {document_id} is not below {settings.DOCUMENTS_PATH}") from None
    return vault.unseal_bytes(player_id, _field(document_id, page), sealed)


def reseal_pages(*, player_id: UUID, document_id: UUID, pages: int, at: datetime) -> int:
    """Seal the pages that are not under the player's newest key anew; how many."""
    changed = 0
    for number in range(1, pages + 1):
        place = _place(document_id, number)
        if vault.is_current(player_id, place.read_bytes()):
            continue
        plain = read_page(player_id=player_id, document_id=document_id, page=number)
        _write(place, vault.seal_bytes(player_id, _field(document_id, number), plain, at=at))
        changed += 1
    return changed


def remove_pages(*, document_id: UUID, pages: int) -> None:
    """Take the files away; those that are not there are no matter."""
    for number in range(1, pages + 1):
        _place(document_id, number).unlink(missing_ok=True)


def list_files(*, older_than: datetime) -> Iterator[tuple[UUID, Path]]:
    """Every page's file that was written before a moment, with its document's id."""
    for path in sorted(Path(settings.DOCUMENTS_PATH).glob("*/*")):
        if _NAME.fullmatch(path.name) and path.stat().st_mtime < older_than.timestamp():
            yield UUID(path.name.partition(".")[0]), path


def _place(document_id: UUID, page: int) -> Path:
    # The last characters of a UUIDv7 are random: 256 folders, evenly filled.
    return Path(settings.DOCUMENTS_PATH) / str(document_id)[-2:] / f"{document_id}.{page}"


def _field(document_id: UUID, page: int) -> str:
    return f"compliance.document.{document_id}.{page}"


def _write(place: Path, sealed: bytes) -> None:
    """Whole or not at all, and readable by this account alone."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = place.with_name(f"{place.name}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(sealed)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
