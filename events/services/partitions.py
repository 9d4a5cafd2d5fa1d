"""Partitions of the log and the ledger, made ahead of time."""

from __future__ import annotations

from datetime import datetime

from kernel.db import fetch_one

MONTHS_AHEAD = 12


def ensure_ahead(*, at: datetime) -> int:
    """Make the monthly partitions from the month of ``at`` on that are missing; how many were made."""
    made: int = fetch_one("SELECT kernel_ensure_partitions(%s, %s)", [at.date(), MONTHS_AHEAD])[0]
    return made
