"""Proving the ledger: its rules and its seals (events.services.proving)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from events.services import proving
from events.services.proving import Proof
from wallet.services.sealing import LEDGER


def prove(
    *, since_last: bool = False, fresh: bool = False, at: datetime, progress: Callable[[Proof], object] = lambda _: None
) -> Proof:
    """Check the whole ledger against its rules and its seals, or only what was sealed since the last sound run.

    A run of the same kind that was cut short is taken up where it was, unless ``fresh``. ``progress`` is called after
    each portion. A run since the last leaves out what is not sealed yet.
    """
    return proving.prove(LEDGER, since_last=since_last, fresh=fresh, at=at, progress=progress)


def find_last_proof() -> Proof | None:
    """The last run that came to its end."""
    return proving.find_last_proof(LEDGER)
