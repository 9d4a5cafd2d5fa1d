"""Spans of append-only tables: the rows that transactions of a range have written. Seals and proofs go by them.

A transaction's id below the horizon is settled: every row it will ever write is there (docs/decisions/0008). Ids start
anew in another cluster; rows of each epoch of the event log are told apart by the moment that their own id carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kernel.db import fetch_one

END = 2**63 - 1

# For SQL: the rows of one table, alias given, that belong to a span. The table has ``id`` (UUIDv7) and ``xid``.
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


def get_horizon(epoch: int) -> int:
    """Transactions of this epoch below it are settled: all of them, when the log has moved to another cluster since."""
    horizon: int = fetch_one(
        "SELECT CASE WHEN events_current_epoch() > %s THEN %s ELSE events_horizon() END", [epoch, END]
    )[0]
    return horizon


def get_current_epoch() -> int:
    """The epoch of the event log that is written now."""
    epoch: int = fetch_one("SELECT events_current_epoch()")[0]
    return epoch
