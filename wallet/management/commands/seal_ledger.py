"""Seals the ledger, and looks after the keys. Celery calls the same service every minute."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from kernel.sealing import SealingRefused, new_private_key
from wallet.services.sealing import rotate_key, seal_ledger, summarise


class Command(BaseCommand):
    help = "Seal what is settled and not sealed yet, into the store outside the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--new-key", action="store_true", help="print a new private key, to append to SEAL_PRIVATE_KEYS"
        )
        what.add_argument(
            "--rotate", action="store_true", help="publish the newest of SEAL_PRIVATE_KEYS; it seals from now on"
        )
        what.add_argument(
            "--summary", metavar="DAY", type=date.fromisoformat, help="print what was sealed on a day (UTC)"
        )

    def handle(self, **options: Any) -> None:
        try:
            if options["new_key"]:
                self.stdout.write(new_private_key())
            elif options["rotate"]:
                key = rotate_key(at=clock.now())
                self.stdout.write(f"Key {key.key_id} seals from now on, endorsed by {key.endorsed_by}.")
            elif options["summary"]:
                self.stdout.write(json.dumps(summarise(options["summary"]), indent=2))
            else:
                self._seal()
        except SealingRefused as refused:
            raise CommandError(str(refused)) from None

    def _seal(self) -> None:
        made = 0
        for seal in seal_ledger(at=clock.now()):
            made += 1
            self.stdout.write(f"Seal {seal.number}: {seal.leaves:,} rows, root {seal.root[:16]}…, key {seal.key_id}")
        if not made:
            self.stdout.write("Nothing new is settled.")
