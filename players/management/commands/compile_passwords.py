"""Makes the file of common passwords from lists, one password a line (.gz too): the shipped one, or an operator's own."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from players.services.passwords import HASH_BYTES, compile_list


class Command(BaseCommand):
    help = "Compile lists of passwords into a file for COMMON_PASSWORDS_FILE."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("lists", nargs="+", type=Path, help="text files, one password a line; .gz is read too")
        parser.add_argument("--output", type=Path, required=True)

    def handle(self, *, lists: list[Path], output: Path, **options: Any) -> None:
        content = compile_list(passwords=(line for path in lists for line in _lines(path)))
        output.write_bytes(content)
        self.stdout.write(f"{len(content) // HASH_BYTES} passwords in {output} ({len(content)} bytes)")


def _lines(path: Path) -> Iterator[str]:
    opening = gzip.open if path.suffix == ".gz" else open
    with opening(path, "rt", encoding="utf-8", errors="replace") as file:
        for line in file:
            yield line.rstrip("\r\n")
