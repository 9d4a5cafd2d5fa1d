"""Exports of transfers, as they cross the border of wallet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wallet.types import TransferKind


class ExportState(StrEnum):
    WAITING = "waiting"
    WRITING = "writing"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"  # the file is gone


@dataclass(frozen=True, slots=True)
class ExportFilter:
    """Transfers recorded from ``since`` on and before ``until``; no kinds, currency or source: all of them."""

    since: datetime
    until: datetime
    kinds: tuple[TransferKind, ...] = ()
    currency: str = ""
    source: str = ""
