"""Seals the audit trail. Celery calls the same service every minute."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.services.audit_sealing import rotate_key, seal_audit, summarise
from kernel import clock
from kernel.sealing import SealingRefused


class Command(BaseCommand):
    help = "Seal what is settled of the audit trail and not sealed yet, into the store outside the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--rotate", action="store_true", help="publish the newest of SEAL_PRIVATE_KEYS; it seals from now on"
        )
        what.add_argument(
            "--summary", metavar="DAY", type=date.fromisoformat, help="print what was sealed on a day (UTC)"
        )

    def handle(self, **options: Any) -> None:
        try:
            if options["rotate"]:
                key = rotate_key(at=clock.now())
                self.stdout.write(f"Key {key.key_id} seals from now on, endorsed by {key.endorsed_by}.")
            elif options["summary"]:
                self.stdout.write(json.dumps(summarise(options["summary"]), indent=2))
            else:
                seals = list(seal_audit(at=clock.now()))
                for seal in seals:
                    self.stdout.write(f"Seal {seal.number}: {seal.leaves:,} records, root {seal.root[:16]}…")
                if not seals:
                    self.stdout.write("Nothing new is settled.")
        except SealingRefused as refused:
            raise CommandError(str(refused)) from None
