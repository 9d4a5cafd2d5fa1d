"""Idempotency keys for writes outside the wallet: the same key and content gives the first result again."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from kernel.errors import IdempotencyConflict
from kernel.models import IdempotencyKey

MAX_KEY_LENGTH = 200


def digest_of(content: dict[str, object]) -> bytes:
    """SHA-256 over the content as canonical JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).digest()


def find_result(scope: str, key: str, digest: bytes) -> str | None:
    """The id that this key led to before; None when it is new. Raises: IdempotencyConflict for other content."""
    known = IdempotencyKey.objects.filter(scope=scope, key=key).first()
    if known is None:
        return None
    if bytes(known.digest) != digest:
        raise IdempotencyConflict("This idempotency key was used with other content; use a new key for a new request.")
    return known.result


def remember(scope: str, key: str, digest: bytes, result: str, at: datetime) -> None:
    """Keep the result, in the transaction of the write. A parallel twin fails here (IntegrityError) and is undone."""
    IdempotencyKey.objects.create(scope=scope, key=key, digest=digest, result=result, created_at=at)
