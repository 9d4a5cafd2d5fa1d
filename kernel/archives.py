"""Exports that can be shown to others: a ZIP of the rows and a signed manifest, streamed as it is made.

Nothing is held in memory or on disk, however long it is: the manifest comes last, when hashes and counts are known.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from kernel.sealing import PublishedKey, Signer, canonical

MANIFEST = "manifest.json"
_PIECE = 65_536
_LARGEST_MANIFEST = 1_048_576


class ArchiveBroken(ValueError):
    """The archive is not what its manifest says, or nobody signed it."""


class _Pipe:
    """A file for zipfile to write to, emptied by whoever reads."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None: ...

    def drain(self) -> Iterator[bytes]:
        pieces, self.pieces = self.pieces, []
        if pieces:
            yield b"".join(pieces)


def stream_archive(
    rows: Iterator[bytes], *, file_name: str, statement: dict[str, Any], signer: Signer | None
) -> Iterator[bytes]:
    """A ZIP with one file of ``rows`` and the manifest: ``statement``, with the file's size and SHA-256, signed.

    Without a signer the manifest stands unsigned and says so.
    """
    pipe, digest, size = _Pipe(), sha256(), 0
    made = datetime.fromisoformat(statement["exported_at"]).astimezone(UTC).timetuple()[:6]
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        with archive.open(zipfile.ZipInfo(file_name, made), "w", force_zip64=True) as file:
            for chunk in rows:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
                yield from pipe.drain()
        content = {**statement, "file": {"name": file_name, "bytes": size, "sha256": digest.hexdigest()}}
        archive.writestr(zipfile.ZipInfo(MANIFEST, made), json.dumps(_signed(content, signer), indent=2) + "\n")
    yield from pipe.drain()


def _signed(content: dict[str, Any], signer: Signer | None) -> dict[str, Any]:
    if signer is None:
        return {**content, "key_id": "", "signature": ""}
    content = {**content, "key_id": signer.key_id}
    return {**content, "signature": signer.sign(canonical(content))}


def check_archive(path: Path, keys: dict[str, PublishedKey]) -> dict[str, Any]:
    """Compare an archive with its manifest, and that with its signature by one of the published ``keys``; the manifest.

    Nothing is unpacked that is larger than it may be, and the rows not before the signature fits. Raises: ArchiveBroken.
    """
    if path.suffix != ".zip" or not zipfile.is_zipfile(path):
        raise ArchiveBroken("This is no ZIP as exports are; give the .zip file itself, not what was in it.")
    with zipfile.ZipFile(path) as archive:
        manifest = _read_manifest(archive)
        _check_signature(manifest, keys)
        name, stated = manifest["file"]["name"], (manifest["file"]["bytes"], manifest["file"]["sha256"])
        if sorted(archive.namelist()) != sorted([name, MANIFEST]):
            raise ArchiveBroken(f"There should be {name} and {MANIFEST} in it, and nothing else.")
        if archive.getinfo(name).file_size != stated[0]:
            raise ArchiveBroken(f"{name} is not the file that was exported.")
        digest, size = sha256(), 0
        with archive.open(name) as file:
            while chunk := file.read(_PIECE):
                digest.update(chunk)
                size += len(chunk)
    if (size, digest.hexdigest()) != stated:
        raise ArchiveBroken(f"{name} is not the file that was exported.")
    return manifest


def _read_manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    if MANIFEST not in archive.namelist():
        raise ArchiveBroken(f"There is no {MANIFEST} in it.")
    if archive.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
        raise ArchiveBroken(f"{MANIFEST} is larger than any that is written.")
    try:
        text = archive.read(MANIFEST).decode()
        manifest = json.loads(text)
    except ValueError:  # bytes that are no UTF-8, or no JSON: a NUL, too
        raise ArchiveBroken(f"{MANIFEST} is no JSON in UTF-8.") from None
    file = manifest.get("file") if isinstance(manifest, dict) else None
    if not isinstance(file, dict) or not {"name", "bytes", "sha256"} <= file.keys():
        raise ArchiveBroken(f"{MANIFEST} does not say which file it is about.")
    return dict(manifest)


def _check_signature(manifest: dict[str, Any], keys: dict[str, PublishedKey]) -> None:
    signature = manifest.get("signature", "")
    key = keys.get(manifest.get("key_id", ""))
    if key is None:
        raise ArchiveBroken(f"No published key vouches for this manifest (key {manifest.get('key_id') or 'none'}).")
    if not key.signed(canonical({name: value for name, value in manifest.items() if name != "signature"}), signature):
        raise ArchiveBroken("The manifest was changed: its signature does not fit.")
