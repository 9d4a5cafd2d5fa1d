"""Identifiers: UUIDv7 (RFC 9562), so that rows written one after another lie side by side in every index."""

import os
import time
from uuid import UUID


def uuid7(unix_ms: int | None = None) -> UUID:
    """A new UUIDv7. ``unix_ms`` is the real clock's milliseconds; leave it out except to build a range's bound."""
    ms = time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    random = int.from_bytes(os.urandom(10))
    value = (ms & 0xFFFF_FFFF_FFFF) << 80 | random & 0xFFFF_FFFF_FFFF_FFFF_FFFF
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant
    return UUID(int=value)


def uuid7_unix_ms(value: UUID) -> int:
    """Milliseconds since the epoch at which the id was made."""
    return value.int >> 80
