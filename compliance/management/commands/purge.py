"""Purges what is past its retention and not held. Celery beat calls the same service every night."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compliance.services.purging import UnknownPurge, purge
from kernel import clock
from kernel.actors import system


class Command(BaseCommand):
    help = "Purge what is past its retention and under no legal hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", help="which purges; all unless named")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *, names: list[str], dry_run: bool, **options: Any) -> None:
        try:
            done = purge(actor=system("purge"), at=clock.now(), names=names, dry_run=dry_run)
        except UnknownPurge as error:
            raise CommandError(str(error)) from None
        for each in done:
            verb = "would go" if dry_run else "gone"
            self.stdout.write(f"{each.name:20} {each.gone:>10,} {verb}, {each.held:,} held   {each.title}")
