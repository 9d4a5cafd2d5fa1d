"""Writes all transfers of a period into a CSV file."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from kernel.actors import system
from wallet.services.exports import export_period


def moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no day or moment such as 2026-03-01") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Write all transfers recorded from SINCE on and before UNTIL (days or moments, UTC) into FILE as CSV."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("since", type=moment)
        parser.add_argument("until", type=moment)
        parser.add_argument("file", type=Path)

    def handle(self, *, since: datetime, until: datetime, file: Path, **options: Any) -> None:
        if until <= since:
            raise CommandError("UNTIL must be later than SINCE.")
        started, rows = time.monotonic(), -1
        with file.open("wb") as out:
            for chunk in export_period(since=since, until=until, actor=system("export-transfers"), at=clock.now()):
                rows += chunk.count(b"\n")
                out.write(chunk)
        seconds = time.monotonic() - started
        self.stdout.write(f"{rows:,} transfers in {seconds:.1f} s ({rows / seconds:,.0f} a second)")
