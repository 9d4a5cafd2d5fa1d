"""Exports: rows of a statement as CSV, streamed out of PostgreSQL by COPY. Memory stays flat, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

CHUNK_BYTES = 65_536


def copy_csv(sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> Iterator[bytes]:
    """The statement's rows as CSV with a heading, in chunks.

    Runs on a connection of its own, which ends with the iterator: whoever stops reading, stops the export.
    """
    own = connection.copy()
    own.ensure_connection()
    with own.connection as raw, raw.cursor() as cursor:
        with cursor.copy(f"COPY ({sql}) TO STDOUT WITH (FORMAT csv, HEADER)", params or None) as copy:
            chunk = bytearray()
            for row in copy:
                chunk += row
                if len(chunk) >= CHUNK_BYTES:
                    yield bytes(chunk)
                    chunk.clear()
        yield bytes(chunk)
