"""What spans of the ledger hold: transfers and entries by the transactions that wrote them (events.services.spans)."""

from __future__ import annotations

import json
from typing import Any

from events.services.sealing import Content
from events.services.spans import ROWS, Span
from kernel.db import fetch_all, fetch_one
from kernel.sealing import split_hashes


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
            FROM (SELECT {part.format("e")}, rtrim(a.kind || ' ' || a.currency || ' ' || a.subject) AS name, count(*) AS entries,
                         sum(e.amount_minor)::bigint AS amount_minor
                  FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id WHERE {ROWS.format("e")}
                  GROUP BY 1, 2) AS by_name GROUP BY 1""",
        params,
    )
    return [
        Content(
            hashes=_split(digests.get(number)) + _split(hashes.get(number)),
            beside={"transfers": digests[number]["number"] if number in digests else 0},
            totals=json.loads(totals[number]["totals"]) if number in totals else {},
        )
        for number in range(len(until))
    ]


def _by_part(sql: str, params: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {row["part"]: row for row in fetch_all(sql, params)}


def _split(row: dict[str, Any] | None) -> list[bytes]:
    return split_hashes(bytes(row["hashes"])) if row else []


def find_first_xid(span: Span) -> int | None:
    """The first transaction in a span that wrote to the ledger."""
    xid: int | None = fetch_one(f"SELECT min(xid) FROM wallet_transfer t WHERE {ROWS.format('t')}", span.params())[0]
    return xid


def find_last_xid(span: Span) -> int | None:
    """The last transaction in a span that wrote entries."""
    xid: int | None = fetch_one(f"SELECT max(xid) FROM wallet_entry e WHERE {ROWS.format('e')}", span.params())[0]
    return xid


def count_span(span: Span) -> int:
    """Entries of a span."""
    count: int = fetch_one(f"SELECT count(*) FROM wallet_entry e WHERE {ROWS.format('e')}", span.params())[0]
    return count
