"""`manage.py rotate_keys`: brings sealed personal data under new keys."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from kernel import vault
from kernel.clock import now
from kernel.secrets import reseal_all


class Command(BaseCommand):
    help = (
        "Without an option: seals every person's key under the newest master key of PERSONAL_KEYS; older master keys may "
        "be taken out afterwards. Works in batches; killed, it goes on where it was when started again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--new", action="store_true", help="Print a new key for the end of PERSONAL_KEYS.")
        what.add_argument("--data", action="store_true", help="Give every person a new key and seal their data anew.")
        what.add_argument(
            "--index", action="store_true", help="Make blind indexes anew after a change of PERSONAL_INDEX_KEY."
        )
        what.add_argument(
            "--secrets", action="store_true", help="Seal our own secrets (keys of integrations) under a new SECRET_KEY."
        )
        parser.add_argument(
            "--created-before",
            metavar="TIME",
            help="With --data: leave out whoever has a key since this time (to go on: the time that the first run printed).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"]:
            self.stdout.write(vault.new_master_key())
        elif options["data"]:
            self._renew(self._moment(options["created_before"]))
            self._reseal()
        elif options["index"]:
            self._reseal()
        elif options["secrets"]:
            self.stdout.write(f"{reseal_all()} secrets were sealed anew. SECRET_KEY_FALLBACKS may be emptied.")
        else:
            self._rewrap()

    def _rewrap(self) -> None:
        with self._progress("keys", vault.count_for_other_masters()) as bar:
            for done in vault.rewrap():
                bar.update(done)
        self.stdout.write("Every key stands under the newest master key. Older ones may be taken out of PERSONAL_KEYS.")

    def _renew(self, before: datetime) -> None:
        self.stdout.write(f"To go on after an interruption: --data --created-before {before.isoformat()}")
        with self._progress("new keys") as bar:
            for person in _subjects(before):
                vault.renew(person, at=now())
                bar.update()

    def _reseal(self) -> None:
        rows = 0
        with self._progress("people") as bar:
            for person in _subjects(None):
                rows += vault.reseal(person, now())
                bar.update()
        self.stdout.write(f"{rows} sealed values were sealed anew.")

    def _moment(self, text: str | None) -> datetime:
        if not text:
            return now()
        moment = parse_datetime(text)
        if moment is None or moment.tzinfo is None:
            raise CommandError("--created-before: give a time with its zone, such as 2026-05-01T12:00:00+00:00.")
        return moment

    def _progress(self, unit: str, total: int | None = None) -> Any:
        return tqdm(total=total, unit=f" {unit}", file=self.stderr, disable=not self.stderr.isatty())


def _subjects(created_before: datetime | None) -> Iterator[UUID]:
    after: UUID | None = None
    while batch := vault.list_subjects(after=after, created_before=created_before):
        yield from batch
        after = batch[-1]
