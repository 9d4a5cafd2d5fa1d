"""Spans of the ledger: the rows that transactions of a range have written. Seals and their verification go by them.

A transaction's id below the horizon is settled: every row it will ever write is there (docs/decisions/0009). Ids start
anew in another cluster; rows of each epoch of the event log are told apart by the moment that their own id carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kernel.db import fetch_all, fetch_one
from kernel.sealing import split_hashes

END = 2**63 - 1

# For SQL: the rows of one table, alias given, that belong to a span.
ROWS = (
    "{0}.xid >= %(xid_from)s AND {0}.xid < %(xid_until)s"
    " AND (%(id_from)s::uuid IS NULL OR {0}.id >= %(id_from)s) AND (%(id_until)s::uuid IS NULL OR {0}.id < %(id_until)s)"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of ``epoch`` written by transactions from ``xid_from`` on, below ``xid_until``."""

    epoch: int
    xid_from: int
    xid_until: int

    def params(self) -> dict[str, Any]:
        """For statements with ``ROWS`` in them."""
        started, ended = fetch_one(
            """SELECT (SELECT kernel_uuid7_floor(started_at) FROM events_epoch WHERE number = %(epoch)s AND number > 1),
                      (SELECT kernel_uuid7_floor(started_at) FROM events_epoch WHERE number = %(epoch)s + 1)""",
            {"epoch": self.epoch},
        )
        return {"xid_from": self.xid_from, "xid_until": self.xid_until, "id_from": started, "id_until": ended}


@dataclass(frozen=True, slots=True)
class Content:
    """What a span holds: the hashes that a seal is made of, and totals by kind of account and currency."""

    hashes: list[bytes]
    transfers: int
    totals: dict[str, dict[str, int]]

    @property
    def entries(self) -> int:
        return len(self.hashes) - self.transfers


def read_content(span: Span) -> Content:
    """All transfers' digests, then all entries' hashes, each in the order (xid, id)."""
    params = span.params()
    transfers, digests = fetch_one(
        f"SELECT count(*), string_agg(digest, ''::bytea ORDER BY xid, id) FROM wallet_transfer t WHERE {ROWS.format('t')}",
        params,
    )
    (hashes,) = fetch_one(
        f"SELECT string_agg(hash, ''::bytea ORDER BY xid, id) FROM wallet_entry e WHERE {ROWS.format('e')}", params
    )
    totals = fetch_all(
        f"""SELECT a.kind || ' ' || a.currency AS name, count(*) AS entries, sum(e.amount_minor)::bigint AS amount_minor
            FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id WHERE {ROWS.format('e')}
            GROUP BY 1 ORDER BY 1""",
        params,
    )
    return Content(
        hashes=split_hashes(bytes(digests or b"")) + split_hashes(bytes(hashes or b"")),
        transfers=transfers,
        totals={row["name"]: {"entries": row["entries"], "amount_minor": row["amount_minor"]} for row in totals},
    )


def find_first_xid(span: Span) -> int | None:
    """The first transaction in a span that wrote to the ledger."""
    xid: int | None = fetch_one(
        f"SELECT min(xid) FROM wallet_transfer t WHERE {ROWS.format('t')}", span.params()
    )[0]
    return xid


def get_horizon(epoch: int) -> int:
    """Transactions of this epoch below it are settled: all of them, when the ledger has moved to another cluster since."""
    horizon: int = fetch_one(
        "SELECT CASE WHEN events_current_epoch() > %s THEN %s ELSE events_horizon() END", [epoch, END]
    )[0]
    return horizon


def get_current_epoch() -> int:
    epoch: int = fetch_one("SELECT events_current_epoch()")[0]
    return epoch
