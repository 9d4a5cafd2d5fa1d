"""How secrets of service clients are kept: the present one, and until a moment the one before it.

They are random and long, so that one round of SHA-256 keeps them as well as many do; a slow hash would only let
strangers keep the token endpoint busy. Django finds the hasher by the algorithm's name, and so does allauth.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher

from kernel import clock

ALGORITHM = "client_secrets"


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def encode(secret: str, *, before: str = "", before_until: datetime | None = None) -> str:
    """What is stored for ``secret``; ``before`` is what was stored, and stays good until ``before_until``."""
    stored = f"{ALGORITHM}${_digest(secret)}"
    old = _parts(before)[0] if before.startswith(f"{ALGORITHM}$") else ""
    return f"{stored}${old}${int(before_until.timestamp())}" if old and before_until else stored


def without_old(stored: str) -> str:
    """The same, with the present secret alone."""
    return f"{ALGORITHM}${_parts(stored)[0]}" if stored.startswith(f"{ALGORITHM}$") else stored


def _digest(secret: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()


def _parts(stored: str) -> tuple[str, str, int]:
    present, old, until = [*stored.split("$")[1:], "", ""][:3]
    return present, old, int(until or 0)


class ClientSecretHasher(BasePasswordHasher):
    """The stored form is ``client_secrets$present`` or ``client_secrets$present$old$until``."""

    algorithm = ALGORITHM

    def verify(self, password: str, encoded: str) -> bool:
        present, old, until = _parts(encoded)
        given = _digest(password)
        fits = hmac.compare_digest(given, present)
        return fits or (bool(old) and hmac.compare_digest(given, old) and clock.now().timestamp() < until)

    def encode(self, password: str, salt: str) -> str:
        return encode(password)

    def must_update(self, encoded: str) -> bool:
        return False

    def safe_summary(self, encoded: str) -> Any:
        return {"algorithm": self.algorithm}

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to even out: every secret is hashed once."""
