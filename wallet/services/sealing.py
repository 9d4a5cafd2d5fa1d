"""Sealing the ledger (events.services.sealing), with checkpoints of what the house holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from events.services import sealing
from events.services.checks import EXAMPLES, Finding
from events.services.sealing import Content, SealedDay, SealedStream
from events.services.spans import Span
from kernel.db import fetch_all
from kernel.sealing import PublishedKey, Seal, SealStore
from wallet.models import Account, HouseCheckpoint
from wallet.models import Seal as SealRow
from wallet.services import spans, verification

CHECKPOINTS = "every checkpoint of the house is the sum of what was sealed"


class Ledger(SealedStream):
    """Transfers' digests and entries' hashes; totals by kind of account, currency and jackpot."""

    name, title, lock = "ledger", "ledger", 7_463_002

    def read_contents(self, span: Span, until: list[int]) -> list[Content]:
        return spans.read_contents(span, until)

    def find_first_xid(self, span: Span) -> int | None:
        return spans.find_first_xid(span)

    def find_last_xid(self, span: Span) -> int | None:
        return spans.find_last_xid(span)

    def count(self, span: Span) -> int:
        return spans.count_span(span)

    def keep(self, seal: Seal) -> None:
        _keep(seal)

    def find_place(self, number: int) -> tuple[int, int] | None:
        return SealRow.objects.filter(number=number).values_list("epoch", "xid_until").first()

    def get_last_number(self) -> int:
        row = SealRow.objects.order_by("-number").first()
        return row.number if row else 0

    def check_span(self, span: Span) -> Iterator[Finding]:
        return verification.check_span(span)

    def check_end(self, *, whole: bool) -> Iterator[Finding]:
        return verification.check_end(whole=whole)

    def check_seals(self, seals: list[Seal]) -> Iterator[Finding]:
        yield _check_checkpoints(seals)


LEDGER = Ledger()


def open_store() -> SealStore:
    """The ledger's seals."""
    return sealing.open_store(LEDGER)


def seal_ledger(*, at: datetime) -> Iterator[Seal]:
    """Seal all that is settled and not sealed yet; nothing new gives no seal. Each seal is committed before the next.

    Raises: SealingRefused: no key, a key that was never published, or a store that lacks seals which the database knows.
    """
    return sealing.seal_stream(LEDGER, at=at)


def rotate_key(*, at: datetime) -> PublishedKey:
    """Publish the newest of SEAL_PRIVATE_KEYS: seals are signed by it from now on. Raises: SealingRefused."""
    return sealing.rotate_key(LEDGER, at=at)


def summarise(day: date) -> dict[str, Any]:
    """A day's seals in one page: how many, over how many rows, totals by kind of account and currency, one root."""
    return sealing.summarise(LEDGER, day)


def list_days(limit: int = 14) -> list[SealedDay]:
    """The signed summaries of the newest days that are over, newest first."""
    return sealing.list_days(LEDGER, limit)


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
        moved = seal.totals.get(f"{account.kind} {account.currency} {account.subject}".strip())
        if moved:
            before = HouseCheckpoint.objects.filter(account=account).order_by("-seal_id").first()
            HouseCheckpoint.objects.create(
                seal=row,
                account=account,
                entries=(before.entries if before else 0) + moved["entries"],
                total_minor=(before.total_minor if before else 0) + moved["amount_minor"],
            )


def _check_checkpoints(seals: list[Seal]) -> Finding:
    """The checkpoints' steps over these seals against the totals in the store."""
    rows = fetch_all(
        """SELECT c.seal_id, rtrim(a.kind || ' ' || a.currency || ' ' || a.subject) AS name,
                  c.entries - coalesce(before.entries, 0) AS entries,
                  c.total_minor - coalesce(before.total_minor, 0) AS amount_minor
           FROM wallet_housecheckpoint c JOIN wallet_account a ON a.id = c.account_id LEFT JOIN LATERAL (
               SELECT entries, total_minor FROM wallet_housecheckpoint b
               WHERE b.account_id = c.account_id AND b.seal_id < c.seal_id ORDER BY b.seal_id DESC LIMIT 1) before ON true
           WHERE c.seal_id BETWEEN %s AND %s ORDER BY c.seal_id, name""",
        [seals[0].number, seals[-1].number],
    )
    sealed = {(seal.number, name): total for seal in seals for name, total in seal.totals.items()}
    wrong = [
        f"{row['name']} at seal {row['seal_id']}: {row['entries']} entries of {row['amount_minor']}"
        for row in rows
        if sealed.get((row["seal_id"], row["name"])) != {k: row[k] for k in ("entries", "amount_minor")}
    ]
    return Finding(CHECKPOINTS, len(wrong), tuple(wrong[:EXAMPLES]))
