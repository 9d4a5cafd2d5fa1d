"""Proving the ledger: its rules and its seals (events.services.proving)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from events.services import proving
from events.services.proving import Proof
from wallet.services.sealing import LEDGER

logger = logging.getLogger(__name__)


def prove(
    *, since_last: bool = False, fresh: bool = False, at: datetime, progress: Callable[[Proof], object] = lambda _: None
) -> Proof:
    """Check the whole ledger against its rules and its seals, or only what was sealed since the last sound run.

    A run of the same kind that was cut short is taken up where it was, unless ``fresh``. ``progress`` is called after
    each portion. A run since the last leaves out what is not sealed yet, and the rules over all payments and jackpots.
    """
    return proving.prove(LEDGER, since_last=since_last, fresh=fresh, at=at, progress=progress)


def watch(*, since_last: bool, at: datetime) -> Proof:
    """``prove``, for the job: what is broken is an error in the log and stands on the page of the seals."""
    proof = prove(since_last=since_last, at=at)
    if not proof.sound:
        logger.error("%s rows break the ledger's rules, the first: %s", sum(proof.broken.values()), proof.first_broken)
    return proof


def find_last_proof() -> Proof | None:
    """The last run that came to its end."""
    return proving.find_last_proof(LEDGER)
