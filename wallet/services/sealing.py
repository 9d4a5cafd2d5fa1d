"""Sealing the ledger: what is settled is signed, minute by minute, into a store outside the database.

The store is the truth; the rows of ``Seal`` and ``HouseCheckpoint`` follow it. What is newer than the last seal is not
claimed to be proved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from kernel.db import fetch_one
from kernel.sealing import PublishedKey, Seal, SealingRefused, SealStore, Signer, canonical, merkle_root, write_whole
from wallet.models import Account, HouseCheckpoint
from wallet.models import Seal as SealRow
from wallet.services.spans import END, Content, Span, find_first_xid, get_current_epoch, get_horizon, read_content

STREAM = "ledger"
# What one seal takes at most after a standstill: bounds its memory.
MOST_TRANSACTIONS = 100_000

_LOCK = 7_463_002


def open_store() -> SealStore:
    """The ledger's seals."""
    return SealStore(Path(settings.SEALS_PATH), STREAM)


def seal_ledger(*, at: datetime) -> Iterator[Seal]:
    """Seal all that is settled and not sealed yet; nothing new gives no seal. Each seal is committed before the next.

    Raises: SealingRefused: no key, a key that was never published, or a store that lacks seals which the database knows.
    """
    store, signer = open_store(), Signer(settings.SEAL_PRIVATE_KEYS)
    seal = _seal_next(store, signer, at)
    settled = get_horizon(seal.covers["epoch"]) if seal else 0  # what settles meanwhile is left to the next run
    while seal:
        yield seal
        seal = _seal_next(store, signer, at) if seal.covers["xid_until"] < settled else None
    _summarise_past_days(store, signer, at.astimezone(UTC).date())


def rotate_key(*, at: datetime) -> PublishedKey:
    """Publish the newest of SEAL_PRIVATE_KEYS: seals are signed by it from now on. Raises: SealingRefused."""
    with transaction.atomic():
        fetch_one("SELECT pg_advisory_xact_lock(%s)::text", [_LOCK])
        return open_store().publish_key(Signer(settings.SEAL_PRIVATE_KEYS), at)


def _seal_next(store: SealStore, signer: Signer, at: datetime) -> Seal | None:
    with transaction.atomic():
        fetch_one("SELECT pg_advisory_xact_lock(%s)::text", [_LOCK])
        last = _catch_up(store)
        span, content = _next_content(last)
        if not content.hashes:
            return None
        seal = store.append(
            signer,
            covers={"epoch": span.epoch, "xid_until": span.xid_until, "transfers": content.transfers},
            hashes=content.hashes,
            totals=content.totals,
            at=at,
        )
        _keep(seal)
        return seal


def _catch_up(store: SealStore) -> Seal | None:
    """The store's last seal, after writing down those that a crash kept from the database."""
    row = SealRow.objects.order_by("-number").first()
    last = store.last()
    known = row.number if row else 0
    if known > (last.number if last else 0):
        raise SealingRefused(f"The database knows seal {known}, the store ends with {last.number if last else 0}.")
    for seal in store.read(after=known):
        _keep(seal)
    return last


def _keep(seal: Seal) -> None:
    row = SealRow.objects.create(
        number=seal.number,
        epoch=seal.covers["epoch"],
        xid_until=seal.covers["xid_until"],
        transfers=seal.covers["transfers"],
        entries=seal.leaves - seal.covers["transfers"],
        root=seal.root,
        hash=seal.hash,
        key_id=seal.key_id,
        sealed_at=datetime.fromisoformat(seal.sealed_at),
    )
    for account in Account.objects.filter(player=None):
        moved = seal.totals.get(f"{account.kind} {account.currency}")
        if moved:
            before = HouseCheckpoint.objects.filter(account=account).order_by("-seal_id").first()
            HouseCheckpoint.objects.create(
                seal=row,
                account=account,
                entries=(before.entries if before else 0) + moved["entries"],
                total_minor=(before.total_minor if before else 0) + moved["amount_minor"],
            )


def _next_content(last: Seal | None) -> tuple[Span, Content]:
    """The next rows to seal. A quiet stretch of transactions is stepped over at once, an epoch's end likewise."""
    epoch, start = (last.covers["epoch"], last.covers["xid_until"]) if last else (1, 0)
    while True:
        horizon = get_horizon(epoch)
        first = find_first_xid(Span(epoch, start, horizon))
        if first is not None:
            span = Span(epoch, start, min(horizon, first + MOST_TRANSACTIONS))
            return span, read_content(span)
        if horizon < END or epoch >= get_current_epoch():
            return Span(epoch, start, horizon), Content([], 0, {})
        epoch, start = epoch + 1, 0


# --- for humans ----------------------------------------------------------------------------------------------------


def summarise(day: date) -> dict[str, Any]:
    """A day's seals in one page: how many, over how many rows, totals by kind of account and currency, one root."""
    seals = open_store().read_day(day)
    totals: dict[str, dict[str, int]] = {}
    for seal in seals:
        for name, moved in seal.totals.items():
            total = totals.setdefault(name, {"entries": 0, "amount_minor": 0})
            total["entries"] += moved["entries"]
            total["amount_minor"] += moved["amount_minor"]
    return {
        "stream": STREAM,
        "day": day.isoformat(),
        "seals": [seals[0].number, seals[-1].number] if seals else [],
        "transfers": sum(seal.covers["transfers"] for seal in seals),
        "entries": sum(seal.leaves - seal.covers["transfers"] for seal in seals),
        "totals": totals,
        "root": merkle_root([bytes.fromhex(seal.root) for seal in seals]).hex(),
        "last_seal": seals[-1].hash if seals else "",
    }


def _summarise_past_days(store: SealStore, signer: Signer, today: date) -> None:
    """A signed summary of each day that is over, once."""
    for day in reversed(store.days()):
        path = store.folder / f"{day}.summary.json"
        if day < today:
            if path.exists():
                return
            summary = summarise(day)
            signed = {**summary, "key_id": signer.key_id, "signature": signer.sign(canonical(summary))}
            write_whole(path, json.dumps(signed, indent=2).encode() + b"\n")
