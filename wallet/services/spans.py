"""Spans of the ledger: the rows that transactions of a range have written. Seals and their verification go by them.

A transaction's id below the horizon is settled: every row it will ever write is there (docs/decisions/0008). Ids start
anew in another cluster; rows of each epoch of the event log are told apart by the moment that their own id carries.
"""

from __future__ import annotations

import json
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


def read_contents(span: Span, until: list[int]) -> list[Content]:
    """A span cut into parts that end below each of ``until`` (the last is the span's own end), read in one go.

    All transfers' digests, then all entries' hashes, each in the order (xid, id).
    """
    params = {**span.params(), "borders": until[:-1]}
    part = "width_bucket({0}.xid, %(borders)s::bigint[]) AS part"
    digests = _by_part(
        f"""SELECT {part.format("t")}, count(*) AS number, string_agg(digest, ''::bytea ORDER BY xid, id) AS hashes
            FROM wallet_transfer t WHERE {ROWS.format("t")} GROUP BY 1""",
        params,
    )
    hashes = _by_part(
        f"""SELECT {part.format("e")}, string_agg(hash, ''::bytea ORDER BY xid, id) AS hashes
            FROM wallet_entry e WHERE {ROWS.format("e")} GROUP BY 1""",
        params,
    )
    totals = _by_part(
        f"""SELECT part, jsonb_object_agg(name, jsonb_build_object('entries', entries, 'amount_minor', amount_minor)) AS totals
            FROM (SELECT {part.format("e")}, a.kind || ' ' || a.currency AS name, count(*) AS entries,
                         sum(e.amount_minor)::bigint AS amount_minor
                  FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id WHERE {ROWS.format("e")}
                  GROUP BY 1, 2) AS by_name GROUP BY 1""",
        params,
    )
    return [
        Content(
            hashes=_split(digests.get(number)) + _split(hashes.get(number)),
            transfers=digests[number]["number"] if number in digests else 0,
            totals=json.loads(totals[number]["totals"]) if number in totals else {},
        )
        for number in range(len(until))
    ]


def _by_part(sql: str, params: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {row["part"]: row for row in fetch_all(sql, params)}


def _split(row: dict[str, Any] | None) -> list[bytes]:
    return split_hashes(bytes(row["hashes"])) if row else []


def read_content(span: Span) -> Content:
    """What one seal is made of."""
    return read_contents(span, [span.xid_until])[0]


def find_first_xid(span: Span) -> int | None:
    """The first transaction in a span that wrote to the ledger."""
    xid: int | None = fetch_one(f"SELECT min(xid) FROM wallet_transfer t WHERE {ROWS.format('t')}", span.params())[0]
    return xid


def get_horizon(epoch: int) -> int:
    """Transactions of this epoch below it are settled: all of them, when the ledger has moved to another cluster since."""
    horizon: int = fetch_one(
        "SELECT CASE WHEN events_current_epoch() > %s THEN %s ELSE events_horizon() END", [epoch, END]
    )[0]
    return horizon


def get_current_epoch() -> int:
    """The epoch of the event log that is written now."""
    epoch: int = fetch_one("SELECT events_current_epoch()")[0]
    return epoch
