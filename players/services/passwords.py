"""Which passwords are refused. Nothing leaves the machine: the list of common passwords is a file of hashes."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from players.rules_identity import find_password_fault, fold_password

# Enough of SHA-256 that a password outside the list is taken for one in it once in ten million times.
HASH_BYTES = 5
SHIPPED = Path(__file__).resolve().parent.parent / "data" / "common_passwords.bin"


class PasswordRules:
    """Django's password validator for players and staff: length, the list, and nothing known of the person."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises: ValidationError."""
        fault = find_password_fault(password, _own_values(user), is_common)
        if fault:
            raise ValidationError(fault, code="password_refused")

    def get_help_text(self) -> str:
        """What a form says beside the field."""
        return "At least 12 characters, not a common password, and nothing that resembles your name or address."


def is_common(folded: str) -> bool:
    """Whether the list holds this password (in the form of ``fold_password``)."""
    table = _load(str(settings.COMMON_PASSWORDS_FILE or SHIPPED))
    wanted = _hash(folded)
    place = bisect_left(table, wanted)
    return place < len(table) and table[place] == wanted


def compile_list(*, passwords: Iterable[str]) -> bytes:
    """The list's file: the sorted beginnings of the passwords' hashes, one after another."""
    return b"".join(sorted({_hash(fold_password(text)) for text in passwords if text}))


class _Table:
    """Fixed-width rows of a file as a sequence, for bisection."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __len__(self) -> int:
        return len(self.content) // HASH_BYTES

    def __getitem__(self, index: int) -> bytes:
        return self.content[index * HASH_BYTES : (index + 1) * HASH_BYTES]


@lru_cache(maxsize=1)
def _load(path: str) -> _Table:
    return _Table(Path(path).read_bytes())


def _hash(folded: str) -> bytes:
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:HASH_BYTES]


def _own_values(user: Any) -> list[str]:
    names = ("username", "email", "first_name", "last_name")
    values = [str(getattr(user, name, "") or "") for name in names] if user is not None else []
    values += list(getattr(user, "own_words", ()))
    return [value for value in values if value]
