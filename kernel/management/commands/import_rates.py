"""Record the European Central Bank's reference rates from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kernel import clock
from kernel.fx import BadRates, read_ecb, record_rates


class Command(BaseCommand):
    """`manage.py import_rates eurofxref-hist-90d.xml`; the same file twice changes nothing."""

    help = "Record exchange rates from a file of the European Central Bank (eurofxref*.xml)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, **options: Any) -> None:
        try:
            rates = read_ecb(options["file"].read_bytes())
        except (BadRates, OSError) as error:
            raise CommandError(f"{options['file']}: {error}") from None
        new = record_rates(rates=rates, source="ECB", at=clock.now())
        self.stdout.write(f"{new:,} new rates, {min(rates)} to {max(rates)}")
