"""The Idempotency-Key header: a retry with the same key never does a thing twice."""

from __future__ import annotations

import re

from django.http import HttpRequest

from kernel.errors import DomainError, FieldErrors
from kernel.pan import holds_pan

_KEY = re.compile(r"[\x20-\x7e]{1,200}")


class IdempotencyKeyMissing(DomainError):
    """The Idempotency-Key header is missing, or not 1 to 200 printable ASCII characters."""

    code = "idempotency_key_missing"
    title = "The Idempotency-Key header is needed"
    status = 400


def is_key(text: str) -> bool:
    """Whether a text may be an idempotency key."""
    return text == text.strip() and bool(_KEY.fullmatch(text))


def read_key(request: HttpRequest) -> str:
    """Raises: IdempotencyKeyMissing, FieldErrors (a card number)."""
    key = read_reference(request)
    if holds_pan(key):
        raise FieldErrors({"Idempotency-Key": ["This looks like a card number. Make keys at random, such as UUIDs."]})
    return key


def read_reference(request: HttpRequest) -> str:
    """The key of a game server, which is its own name of a bet: often a number, and not looked at for card numbers.

    Raises: IdempotencyKeyMissing.
    """
    key: str = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyMissing(
            "Send the header Idempotency-Key with 1 to 200 printable ASCII characters, the same again on a retry.",
            header="Idempotency-Key",
        )
    return key
