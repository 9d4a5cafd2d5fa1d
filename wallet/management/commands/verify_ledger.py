"""Verifies every balance of the ledger. Exit code 0: all is well; 1: something is broken, and named."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from wallet.services.verification import count_entries, verify


class Command(BaseCommand):
    help = "Check that every transfer balances and every balance equals its entries (exit code 1 when not)."

    def handle(self, **options: Any) -> None:
        started = time.monotonic()
        broken = 0
        # One snapshot for all checks: bets go on meanwhile.
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for finding in verify():
                broken += finding.broken
                self.stdout.write(f"{'BROKEN' if finding.broken else 'ok':7} {finding.check}")
                for example in finding.examples:
                    self.stdout.write(f"        {example}")
            entries = count_entries()
        seconds = time.monotonic() - started
        self.stdout.write(f"{entries} entries in {seconds:.1f} s ({entries / max(seconds, 0.001):,.0f}/s)")
        if broken:
            raise CommandError(f"{broken} rows break the ledger's rules.")
