"""`manage.py rotate_keys`: brings sealed personal data under new keys."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Self
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
            self._reseal_secrets()
        else:
            self._rewrap()

    def _rewrap(self) -> None:
        with self._progress("keys", vault.count_for_other_masters()) as bar:
            for done in vault.rewrap():
                bar.update(done)
        self.stdout.write("Every key stands under the newest master key. Older ones may be taken out of PERSONAL_KEYS.")

    def _renew(self, before: datetime) -> None:
        self.stdout.write(f"To go on after an interruption: --data --created-before {before.isoformat()}")
        with self._progress("new keys", vault.count_subjects(created_before=before)) as bar:
            for person in _subjects(before):
                vault.renew(person, at=now())
                bar.update()

    def _reseal(self) -> None:
        rows = 0
        with self._progress("people", vault.count_subjects()) as bar:
            for person in _subjects(None):
                rows += vault.reseal(person, now())
                bar.update()
        self.stdout.write(f"{rows} sealed values were sealed anew.")

    def _reseal_secrets(self) -> None:
        sealed = 0
        with self._progress("secrets") as bar:
            for done in reseal_all():
                sealed += done
                bar.update(done)
        self.stdout.write(f"{sealed} secrets were sealed anew. SECRET_KEY_FALLBACKS may be emptied.")

    def _moment(self, text: str | None) -> datetime:
        if not text:
            return now()
        moment = parse_datetime(text)
        if moment is None or moment.tzinfo is None:
            raise CommandError("--created-before: give a time with its zone, such as 2026-05-01T12:00:00+00:00.")
        return moment

    def _progress(self, unit: str, total: int | None = None) -> Any:
        """A bar in a terminal; plain lines elsewhere, such as in a job's log."""
        if self.stderr.isatty():
            return tqdm(total=total, unit=f" {unit}", file=self.stderr)
        return Lines(self.stderr.write, unit, total)


class Lines:
    """Says now and then how far it is."""

    every = 1_000

    def __init__(self, write: Callable[[str], Any], unit: str, total: int | None) -> None:
        self.write, self.unit, self.done = write, unit, 0
        self.of = "" if total is None else f" of {total:,}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._say()

    def update(self, done: int = 1) -> None:
        before, self.done = self.done, self.done + done
        if before // self.every != self.done // self.every:
            self._say()

    def _say(self) -> None:
        self.write(f"{self.done:,}{self.of} {self.unit}")


def _subjects(created_before: datetime | None) -> Iterator[UUID]:
    after: UUID | None = None
    while batch := vault.list_subjects(after=after, created_before=created_before):
        yield from batch
        after = batch[-1]
