"""Sealing append-only tables: what is settled is signed, minute by minute, into a store outside the database.

The ledger and the audit trail are such streams. The store is the truth; rows in the database follow it. What is newer
than the last seal is not claimed to be proved.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction

from events.services.checks import Finding
from events.services.spans import END, Span, get_current_epoch, get_horizon
from kernel.db import fetch_one
from kernel.sealing import PublishedKey, Seal, SealingRefused, SealStore, Signer, canonical, merkle_root, write_whole

# What one seal takes at most after a standstill: bounds its memory.
MOST_TRANSACTIONS = 100_000


@dataclass(frozen=True, slots=True)
class Content:
    """What a span holds: the hashes that a seal is made of, how many of them are not entries, and totals by name."""

    hashes: list[bytes]
    beside: dict[str, int]
    totals: dict[str, dict[str, int]]

    @property
    def entries(self) -> int:
        return len(self.hashes) - sum(self.beside.values())


class SealedStream(ABC):
    """Tables whose rows carry the ``xid`` of their transaction and are sealed together, in the order of transactions."""

    name: ClassVar[str]
    """The folder of its seals."""
    title: ClassVar[str]
    lock: ClassVar[int]
    """Of its one sealer at a time."""

    @abstractmethod
    def read_contents(self, span: Span, until: list[int]) -> list[Content]:
        """A span cut into parts that end below each of ``until`` (the last is the span's own end), read in one go."""

    @abstractmethod
    def find_first_xid(self, span: Span) -> int | None:
        """The first transaction in a span that wrote to the stream."""

    @abstractmethod
    def find_last_xid(self, span: Span) -> int | None:
        """The last transaction in a span that wrote entries."""

    @abstractmethod
    def count(self, span: Span) -> int:
        """Entries of a span."""

    @abstractmethod
    def keep(self, seal: Seal) -> None:
        """Write a seal down in the database, for lists and for knowing where to go on."""

    @abstractmethod
    def find_place(self, number: int) -> tuple[int, int] | None:
        """Epoch and end (xid) of a seal that the database knows."""

    @abstractmethod
    def get_last_number(self) -> int:
        """The last seal that the database knows; 0 when none."""

    @abstractmethod
    def check_span(self, span: Span) -> Iterator[Finding]:
        """One finding per rule over the rows of a span, ``broken`` 0 where all is well."""

    @abstractmethod
    def check_end(self, *, whole: bool) -> Iterator[Finding]:
        """One finding per rule over what the rows have come to; ``whole``: also those that read all there ever was."""

    def check_seals(self, seals: list[Seal]) -> Iterator[Finding]:
        """One finding per rule over what the database keeps of these seals."""
        return iter(())


def open_store(stream: SealedStream) -> SealStore:
    """The stream's seals."""
    return SealStore(Path(settings.SEALS_PATH), stream.name)


def seal_stream(stream: SealedStream, *, at: datetime) -> Iterator[Seal]:
    """Seal all that is settled and not sealed yet; nothing new gives no seal. Each seal is committed before the next.

    Raises: SealingRefused: no key, a key that was never published, or a store that lacks seals which the database knows.
    """
    store, signer = open_store(stream), Signer(settings.SEAL_PRIVATE_KEYS)
    seal = _seal_next(stream, store, signer, at)
    settled = get_horizon(seal.covers["epoch"]) if seal else 0  # what settles meanwhile is left to the next run
    while seal:
        yield seal
        seal = _seal_next(stream, store, signer, at) if seal.covers["xid_until"] < settled else None
    _summarise_past_days(stream, store, signer, at.astimezone(UTC).date())


def rotate_key(stream: SealedStream, *, at: datetime) -> PublishedKey:
    """Publish the newest of SEAL_PRIVATE_KEYS: seals are signed by it from now on. Raises: SealingRefused."""
    with transaction.atomic():
        fetch_one("SELECT pg_advisory_xact_lock(%s)::text", [stream.lock])
        return open_store(stream).publish_key(Signer(settings.SEAL_PRIVATE_KEYS), at)


def _seal_next(stream: SealedStream, store: SealStore, signer: Signer, at: datetime) -> Seal | None:
    with transaction.atomic():
        fetch_one("SELECT pg_advisory_xact_lock(%s)::text", [stream.lock])
        last = _catch_up(stream, store)
        span, content = _next_content(stream, last)
        if not content.hashes:
            return None
        seal = store.append(
            signer,
            covers={"epoch": span.epoch, "xid_until": span.xid_until, **content.beside},
            hashes=content.hashes,
            totals=content.totals,
            at=at,
        )
        stream.keep(seal)
        return seal


def _catch_up(stream: SealedStream, store: SealStore) -> Seal | None:
    """The store's last seal, after writing down those that a crash kept from the database."""
    last = store.last()
    known = stream.get_last_number()
    if known > (last.number if last else 0):
        raise SealingRefused(f"The database knows seal {known}, the store ends with {last.number if last else 0}.")
    for seal in store.read(after=known):
        stream.keep(seal)
    return last


def _next_content(stream: SealedStream, last: Seal | None) -> tuple[Span, Content]:
    """The next rows to seal. A quiet stretch of transactions is stepped over at once, an epoch's end likewise."""
    epoch, start = (last.covers["epoch"], last.covers["xid_until"]) if last else (1, 0)
    while True:
        horizon = get_horizon(epoch)
        first = stream.find_first_xid(Span(epoch, start, horizon))
        if first is not None:
            span = Span(epoch, start, min(horizon, first + MOST_TRANSACTIONS))
            return span, stream.read_contents(span, [span.xid_until])[0]
        if horizon < END or epoch >= get_current_epoch():
            return Span(epoch, start, horizon), Content([], {}, {})
        epoch, start = epoch + 1, 0


# --- for humans ----------------------------------------------------------------------------------------------------


def count_beside(seal: Seal) -> dict[str, int]:
    """How many of a seal's leaves are not entries, by name."""
    return {name: number for name, number in seal.covers.items() if name not in ("epoch", "xid_until")}


def summarise(stream: SealedStream, day: date) -> dict[str, Any]:
    """A day's seals in one page: how many, over how many rows, totals by name, one root."""
    seals = open_store(stream).read_day(day)
    totals: dict[str, dict[str, int]] = {}
    beside: dict[str, int] = {}
    for seal in seals:
        for name, number in count_beside(seal).items():
            beside[name] = beside.get(name, 0) + number
        for name, counted in seal.totals.items():
            total = totals.setdefault(name, dict.fromkeys(counted, 0))
            for key, value in counted.items():
                total[key] += value
    return {
        "stream": stream.name,
        "day": day.isoformat(),
        "seals": [seals[0].number, seals[-1].number] if seals else [],
        **beside,
        "entries": sum(seal.leaves for seal in seals) - sum(beside.values()),
        "totals": totals,
        "root": merkle_root([bytes.fromhex(seal.root) for seal in seals]).hex(),
        "last_seal": seals[-1].hash if seals else "",
    }


@dataclass(frozen=True, slots=True)
class SealedDay:
    """The signed summary of a day that is over (``summarise``); None where its file is not what a published key has signed."""

    day: date
    summary: dict[str, Any] | None
    key_id: str = ""


def list_days(stream: SealedStream, limit: int) -> list[SealedDay]:
    """The newest days that are summarised, newest first, each checked against its signature."""
    store = open_store(stream)
    keys = store.keys()
    files = sorted(store.folder.glob("*.summary.json"), reverse=True)[:limit]
    return [_read_day(file, keys) for file in files]


def _read_day(file: Path, keys: dict[str, PublishedKey]) -> SealedDay:
    day = date.fromisoformat(file.name.removesuffix(".summary.json"))
    try:
        summary = json.loads(file.read_bytes())
        key_id, signature = summary.pop("key_id"), summary.pop("signature")
        signed = keys[key_id].signed(canonical(summary), signature) and summary["day"] == day.isoformat()
    except (ValueError, KeyError, TypeError, AttributeError):
        return SealedDay(day, None)
    return SealedDay(day, summary if signed else None, key_id)


def _summarise_past_days(stream: SealedStream, store: SealStore, signer: Signer, today: date) -> None:
    """A signed summary of each day that is over, once."""
    for day in reversed(store.days()):
        path = store.folder / f"{day}.summary.json"
        if day < today:
            if path.exists():
                return
            summary = summarise(stream, day)
            signed = {**summary, "key_id": signer.key_id, "signature": signer.sign(canonical(summary))}
            write_whole(path, json.dumps(signed, indent=2).encode() + b"\n")
