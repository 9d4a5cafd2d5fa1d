"""Attempts are counted in the database, before they are looked at: without it nobody logs in anyway.

Counters in Redis would be lost with it, and whoever can make Redis stumble could guess for ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from kernel.db import fetch_one
from players.models_staff import LoginCounter

WINDOW = timedelta(minutes=15)
# Attempts per window. The account's own limit is wider than that from one address, so that a stranger who fails on
# purpose does not lock a colleague out at once.
LIMITS = {"login and address": 5, "login": 25, "address": 60, "second factor": 5, "kept failures": 60}


def take_attempt(*, what: str, of: str, at: datetime) -> bool:
    """Count one attempt; whether it may be looked at. ``what`` is a key of LIMITS, ``of`` whose it is."""
    attempts: int = fetch_one(
        """
        INSERT INTO players_logincounter AS known (key, attempts, window_until)
        VALUES (%(key)s, 1, %(until)s)
        ON CONFLICT (key) DO UPDATE SET
            attempts = CASE WHEN known.window_until <= %(at)s THEN 1 ELSE known.attempts + 1 END,
            window_until = CASE WHEN known.window_until <= %(at)s THEN excluded.window_until
                                ELSE known.window_until END
        RETURNING attempts
        """,
        {"key": _key(what, of), "at": at, "until": at + WINDOW},
    )[0]
    return attempts <= LIMITS[what]


def forgive_attempts(*, what: str, of: str, at: datetime) -> None:
    """Start counting anew after a success. Counters whose window is over are dropped by the way."""
    LoginCounter.objects.filter(key=_key(what, of)).delete()
    LoginCounter.objects.filter(window_until__lte=at).delete()


def _key(what: str, of: str) -> bytes:
    return sha256(f"{what}\0{of}".encode()).digest()
