"""What an approval binds, what it shows, and how long a claim stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from compliance.types import Difference

# Whoever takes an item and leaves for lunch does not keep it from the others.
CLAIM_STANDS = timedelta(minutes=30)


class NotExact(TypeError):
    """Content holds something that JSON cannot carry unchanged: a float, a Decimal, a moment. Write it as text."""


def check_exact(value: Any) -> None:
    """Raises: NotExact."""
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise NotExact("keys are texts")
        for item in value.values():
            check_exact(item)
    elif isinstance(value, list):
        for item in value:
            check_exact(item)
    elif value is not None and type(value) not in (str, int, bool):
        raise NotExact(f"{type(value).__name__} {value!r} is not exact in JSON; write it as text")


def content_digest(
    kind: str,
    player_id: UUID | None,
    content: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> bytes:
    """SHA-256 over all that an approver sees and that is carried out, as canonical JSON."""
    whole = [kind, player_id and str(player_id), content, before, after]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()).digest()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Field by field, in the order of ``after``, what is only in ``before`` last."""
    fields = [*after, *(name for name in before if name not in after)]
    return [Difference(name, before.get(name), after.get(name)) for name in fields]


def claim_stands(claimed_at: datetime | None, at: datetime) -> bool:
    return claimed_at is not None and at < claimed_at + CLAIM_STANDS
