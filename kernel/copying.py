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
    return _copy(f"COPY ({sql}) TO STDOUT WITH (FORMAT csv, HEADER)", params)


def copy_json_lines(sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> Iterator[bytes]:
    """The statement's rows as JSON, one object per line, in chunks; otherwise as ``copy_csv``."""
    # COPY's text format would double backslashes. As CSV with these two characters, which JSON never holds, it stays as it is.
    lines = f"SELECT row_to_json(rows)::text FROM ({sql}) AS rows"
    return _copy(f"COPY ({lines}) TO STDOUT WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')", params)


def _copy(statement: str, params: Sequence[Any] | dict[str, Any]) -> Iterator[bytes]:
    own = connection.copy()
    own.ensure_connection()
    with own.connection as raw, raw.cursor() as cursor:
        with cursor.copy(statement, params or None) as copy:
            chunk = bytearray()
            for row in copy:
                chunk += row
                if len(chunk) >= CHUNK_BYTES:
                    yield bytes(chunk)
                    chunk.clear()
        yield bytes(chunk)
