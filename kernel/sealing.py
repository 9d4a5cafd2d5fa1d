"""Seals: proof, kept outside the database, of what append-only rows were.

A seal is the Merkle root over the hashes of a range of rows, signed with ed25519. Each names the hash of the seal before
it, so none can be taken out or put in. A store is a folder: one file of JSON lines per day, only ever appended to, and
``keys.jsonl`` with the public keys. The first key stands for itself (note its id elsewhere); each later one is endorsed
by the key before it. What the rows are, and which of them a seal ``covers``, is the business of the stream's owner.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NODE = b"\x01"  # begins what is hashed for a node: owners begin what they hash for a leaf with another byte


class SealingRefused(RuntimeError):
    """No seal can be made: there is no key, the key was never published, or the store is behind its owner."""


@dataclass(frozen=True, slots=True)
class Seal:
    """One signed root over ``leaves`` rows. ``covers`` and ``totals`` are in the owner's terms; hashes are hexadecimal."""

    stream: str
    number: int
    sealed_at: str
    covers: dict[str, int]
    leaves: int
    root: str
    totals: dict[str, Any]
    previous: str
    key_id: str
    signature: str = ""

    @property
    def hash(self) -> str:
        """What the next seal names as its previous one: over everything, signature included."""
        return sha256(canonical(asdict(self))).hexdigest()

    def content(self) -> bytes:
        """What is signed."""
        return canonical(asdict(replace(self, signature="")))


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key of the store, in hexadecimal, and who vouches for it: the key before it, or for the first itself."""

    key_id: str
    public_key: str
    published_at: str
    endorsed_by: str
    endorsement: str = ""

    def content(self) -> bytes:
        return canonical(asdict(replace(self, endorsement="")))

    def signed(self, content: bytes, signature: str) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key)).verify(bytes.fromhex(signature), content)
        except (InvalidSignature, ValueError):
            return False
        return True


def canonical(value: object) -> bytes:
    """The one JSON text of a value: sorted names, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root over hashes, in their order. A node without a sibling moves up as it is; of nothing it is SHA-256 of nothing."""
    if not leaves:
        return sha256().digest()
    level = list(leaves)
    while len(level) > 1:
        pairs = iter(level)
        above = [sha256(NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


class Signer:
    """The private keys of a deployment: the last one signs, earlier ones only vouch for their successors."""

    def __init__(self, private_keys: Sequence[str]) -> None:
        """Keys as ``new_private_key`` makes them, oldest first. Raises: SealingRefused."""
        if not private_keys:
            raise SealingRefused("There is no private key to seal with: set SEAL_PRIVATE_KEYS.")
        try:
            keys = [Ed25519PrivateKey.from_private_bytes(base64.b64decode(key)) for key in private_keys]
        except (binascii.Error, ValueError):
            raise SealingRefused("SEAL_PRIVATE_KEYS: each key is 32 bytes in base64.") from None
        self._keys = {_key_id(_public(key)): key for key in keys}
        self.key_id = list(self._keys)[-1]

    @property
    def public_key(self) -> str:
        return _public(self._keys[self.key_id]).hex()

    def sign(self, content: bytes, key_id: str | None = None) -> str:
        """Raises: SealingRefused when that key is not here."""
        key = self._keys.get(key_id or self.key_id)
        if key is None:
            raise SealingRefused(f"The private key {key_id} is not configured: it must vouch for the new one.")
        return key.sign(content).hex()


def new_private_key() -> str:
    """A new ed25519 key for SEAL_PRIVATE_KEYS: 32 bytes in base64."""
    return base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()


class SealStore:
    """The folder of one stream's seals. One process writes at a time: the owner sees to that."""

    def __init__(self, folder: Path, stream: str) -> None:
        self.folder = folder / stream
        self.stream = stream

    # --- seals -----------------------------------------------------------------------------------------------------

    def append(
        self,
        signer: Signer,
        *,
        covers: dict[str, int],
        hashes: Sequence[bytes],
        totals: dict[str, Any],
        at: datetime,
    ) -> Seal:
        """Seal rows by their hashes; on disk when this returns. Raises: SealingRefused."""
        self._check_key(signer, at)
        last = self.last()
        seal = Seal(
            stream=self.stream,
            number=last.number + 1 if last else 1,
            sealed_at=at.isoformat(),
            covers=covers,
            leaves=len(hashes),
            root=merkle_root(hashes).hex(),
            totals=totals,
            previous=last.hash if last else "",
            key_id=signer.key_id,
        )
        seal = replace(seal, signature=signer.sign(seal.content()))
        _append_line(self.folder / f"{at.date()}.jsonl", canonical(asdict(seal)))
        return seal

    def read(self, after: int = 0) -> Iterator[Seal]:
        """Seals with a number above ``after``, in the order of the files. What is no seal raises ``ValueError``."""
        files = self._days()
        while len(files) > 1 and (first := next(_read_lines(files[1]), None)) and first.get("number", 0) <= after:
            files.pop(0)
        for file in files:
            for line in _read_lines(file):
                seal = _seal(line, file)
                if seal.number > after:
                    yield seal

    def last(self) -> Seal | None:
        for file in reversed(self._days()):
            lines = list(_read_lines(file))
            if lines:
                return _seal(lines[-1], file)
        return None

    def read_day(self, day: date) -> list[Seal]:
        file = self.folder / f"{day}.jsonl"
        return [_seal(line, file) for line in _read_lines(file)] if file.exists() else []

    def days(self) -> list[date]:
        """Days that have seals, oldest first."""
        return [date.fromisoformat(file.stem) for file in self._days()]

    def _days(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.jsonl"))

    # --- keys ------------------------------------------------------------------------------------------------------

    def publish_key(self, signer: Signer, at: datetime) -> PublishedKey:
        """Publish the signer's key, endorsed by the key before it (the first: by itself). Raises: SealingRefused."""
        known = self.keys()
        if signer.key_id in known:
            return known[signer.key_id]
        by = list(known)[-1] if known else signer.key_id
        key = PublishedKey(signer.key_id, signer.public_key, at.isoformat(), by)
        key = replace(key, endorsement=signer.sign(key.content(), by))
        _append_line(self.folder / "keys.jsonl", canonical(asdict(key)))
        return key

    def keys(self) -> dict[str, PublishedKey]:
        """Public keys that the first one vouches for, directly or through others, oldest first."""
        trusted: dict[str, PublishedKey] = {}
        path = self.folder / "keys.jsonl"
        for line in _read_lines(path) if path.exists() else ():
            key = PublishedKey(**line)
            voucher = trusted.get(key.endorsed_by) if trusted else key
            honest = key.key_id == _key_id(bytes.fromhex(key.public_key))
            if honest and voucher and voucher.signed(key.content(), key.endorsement):
                trusted[key.key_id] = key
        return trusted

    def _check_key(self, signer: Signer, at: datetime) -> None:
        keys = self.keys()
        if not keys:
            self.publish_key(signer, at)
        elif signer.key_id != list(keys)[-1]:
            raise SealingRefused(f"Key {signer.key_id} is not the newest published key; publish a new key by rotating.")


def find_fault(seal: Seal, previous: Seal | None, keys: dict[str, PublishedKey]) -> str:
    """What is wrong with a seal as its file has it, in words; empty when nothing is."""
    if seal.number != (previous.number + 1 if previous else 1):
        return f"follows seal {previous.number if previous else 0}: seals are missing or doubled"
    if seal.previous != (previous.hash if previous else ""):
        return "does not name the seal before it: one of the two was changed"
    key = keys.get(seal.key_id)
    if key is None:
        return f"is signed by {seal.key_id}, which no published key vouches for"
    if not key.signed(seal.content(), seal.signature):
        return "was changed: its signature does not fit"
    return ""


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _key_id(public_key: bytes) -> str:
    return sha256(public_key).hexdigest()[:16]


def _seal(line: dict[str, Any], file: Path) -> Seal:
    try:
        return Seal(**line)
    except TypeError:
        raise ValueError(f"{file.name}: this is no seal: {line}") from None


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines only: one that a crash cut short was never a seal."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n"):
                try:
                    yield json.loads(line)
                except ValueError:
                    raise ValueError(f"{path.name}, line {number}: this is no JSON") from None


def _append_line(path: Path, line: bytes) -> None:
    """Append and wait for the disk, the folder's entry included; a line that a crash cut short goes first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        file.seek(0)
        content = file.read()
        if not content.endswith(b"\n"):
            file.truncate(content.rfind(b"\n") + 1)
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step: after a crash it is the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def split_hashes(joined: bytes) -> list[bytes]:
    """SHA-256 hashes out of one long string of them."""
    return [joined[start : start + 32] for start in range(0, len(joined), 32)]
