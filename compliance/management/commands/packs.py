"""Packs of rules on the command line: which there are, whether they fit, what they say and what a day would bring."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from compliance.pack_files import SHIPPED, load_packs, load_sources, read_folders
from compliance.pack_schema import SCHEMA
from compliance.rules_packs import effective_at, list_changes, list_loosened, list_missing, show, tighten, version_at
from compliance.selectors_packs import get_book, list_uncovered, list_versions
from compliance.services.pack_trial import try_on_samples
from compliance.types_packs import DEFAULT, HOUSE
from kernel import clock
from kernel.packs import PackError, PackFile, Sourced

GATE_ACTIONS = ("registration", "login", "deposit", "bet", "withdrawal", "bonus", "message")


class Command(BaseCommand):
    help = "Packs of rules: list, check, show, diff, test."

    def add_arguments(self, parser: ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        deeds.add_parser("list", help="every version, and which is in force")
        check = deeds.add_parser("check", help="whether files fit, before they are installed")
        check.add_argument("folders", nargs="*", type=Path, help="folders beside the shipped one")
        show_ = deeds.add_parser("show", help="what holds on a day, each value with its source")
        test = deeds.add_parser("test", help="what a day would bring if every file were activated")
        for each in (show_, test):
            each.add_argument("pack")
            each.add_argument("--at", default="", help="2026-10-01 (its first moment there), or a moment with its zone")
        diff = deeds.add_parser("diff", help="what changed between two versions")
        diff.add_argument("pack")
        diff.add_argument("before", type=date.fromisoformat)
        diff.add_argument("after", type=date.fromisoformat)

    def handle(self, *, deed: str, **options: Any) -> None:
        getattr(self, f"_{deed}")(options)

    # --- list and check ---

    def _list(self, options: dict[str, Any]) -> None:
        at = clock.now()
        for pack_id, versions in list_versions(at).items():
            for version in versions:
                file, flags = version.file, " FILE CHANGED SINCE IT WAS SIGNED" if version.changed else ""
                unsourced = f"{len(file.unsourced)} to sign" if file.unsourced else "-"
                self.stdout.write(
                    f"{pack_id:8} {file.version} {version.state.value:18} {version.effective_at:%Y-%m-%d %H:%MZ} "
                    f"{len(file.values):4} values  {unsourced:10} {version.players:>10,} players{flags}"
                )
        for code, players in list_uncovered(at):
            self.stderr.write(
                f"No pack is in force for {code}, where {players:,} players live: the default pack holds."
            )

    def _check(self, options: dict[str, Any]) -> None:
        folders = options["folders"]
        try:
            packs = read_folders([SHIPPED, *folders]) if folders else load_packs()
        except PackError as error:
            raise CommandError(str(error)) from None
        for pack_id, versions in packs.items():
            for file in versions:
                self.stdout.write(f"{pack_id:8} {file.version} fits: {len(file.values)} values, {file.digest[:12]}")

    # --- what holds ---

    def _show(self, options: dict[str, Any]) -> None:
        file, at = self._file_at(options, "in force")
        self._head(file, at)
        sources = load_sources()
        for key in SCHEMA:
            if key in file.values:
                self._value(key, file.values[key], sources)

    def _value(self, key: str, item: Sourced, sources: Any) -> None:
        where = f"{item.source} {sources[item.source]}" if item.source else "no source seen"
        since = f", since {item.since}" if item.since else ""
        self.stdout.write(f"{key} = {show(item.value)}\n    {item.rule}{since} ({item.status.value}; {where})")

    def _diff(self, options: dict[str, Any]) -> None:
        before, after = (self._version(options["pack"], options[name]) for name in ("before", "after"))
        for change in list_changes(before, after):
            old, new = (item.value if item else None for item in (change.before, change.after))
            note = "  (only its source)" if change.same_value else ""
            self.stdout.write(f"{change.key}: {show(old)} -> {show(new)}{note}")

    # --- what a day would bring ---

    def _test(self, options: dict[str, Any]) -> None:
        """Fails where the gate would deny because something is missing."""
        file, at = self._file_at(options, "planned")
        self._head(file, at)
        actual = get_book().in_force(file.id, at)
        said = "nothing" if actual is None else "the same" if actual.digest == file.digest else str(actual.version)
        self.stdout.write(f"In force by activations on that day: {said}.")
        versions = list(load_packs()[file.id])
        place = versions.index(file)
        if place:
            changes = list_changes(versions[place - 1], file)
            self.stdout.write(f"Since {versions[place - 1].version}: {', '.join(c.key for c in changes) or 'nothing'}.")
        if place + 1 < len(versions):
            following = versions[place + 1]
            changes = list_changes(file, following)
            self.stdout.write(f"From {following.version} on: {', '.join(change.key for change in changes)}.")
        for key in file.unsourced:
            self.stdout.write(f"Needs a signature: {key} = {show(file.values[key].value)} ({file.values[key].rule})")
        house = version_at(load_packs().get(HOUSE, ()), at)
        values = tighten(file, house)
        for key in sorted(values):
            if key not in file.values or values[key] != file.values[key].value:
                self.stdout.write(f"Tightened by the house policy: {key} = {show(values[key])}")
        for key, theirs, mine in list_loosened(file, house) if house else ():
            self.stdout.write(f"The house policy's {key} ({show(mine)}) is laxer than {show(theirs)}: no effect.")
        missing = list_missing(values)
        for action in GATE_ACTIONS:
            verdict = f"DENIED, {', '.join(missing[action])} is missing" if action in missing else "can be decided"
            self.stdout.write(f"{action:13} {verdict}")
        if missing:
            raise CommandError(f"{file.id} {file.version} is incomplete.")
        self._try(file, house, at)

    def _try(self, file: PackFile, house: PackFile | None, at: datetime) -> None:
        country, _, region = (file.residence[0] if file.residence and file.residence[0] != "*" else "AT").partition("-")
        files = [one for one in (file, house) if one and one.id != DEFAULT]
        self.stdout.write("The gate's word to people who have just registered and proved nothing:")
        for verdict in try_on_samples(files=files, country=country, region=region, at=at):
            self.stdout.write(f"{verdict.sample:9} {verdict.action:24} {', '.join(verdict.codes) or 'allowed'}")

    def _head(self, file: PackFile, at: datetime) -> None:
        self.stdout.write(
            f"{file.id} {file.version} of {file.authority}, effective {effective_at(file):%Y-%m-%d %H:%M} UTC; "
            f"asked for {at:%Y-%m-%d %H:%M} UTC"
        )

    # --- reading ---

    def _versions(self, pack_id: str) -> list[PackFile]:
        found = list(load_packs().get(pack_id, ()))
        if not found:
            raise CommandError(f"There is no pack {pack_id}; there are: {', '.join(sorted(load_packs()))}.")
        return found

    def _version(self, pack_id: str, version: date) -> PackFile:
        found = next((file for file in self._versions(pack_id) if file.version == version), None)
        if found is None:
            known = ", ".join(str(file.version) for file in self._versions(pack_id))
            raise CommandError(f"{pack_id} has no version {version}; it has {known}.")
        return found

    def _file_at(self, options: dict[str, Any], which: str) -> tuple[PackFile, datetime]:
        """The version at ``--at``: the one in force (by its file where none is), or the one that the files plan."""
        versions = self._versions(options["pack"])
        at = _moment(options["at"], versions[-1].timezone)
        found = get_book().in_force(options["pack"], at) if which == "in force" else None
        found = found or version_at(versions, at)
        if found is None:
            raise CommandError(f"The first version of {options['pack']} takes effect on {versions[0].version}.")
        return found, at


def _moment(text: str, zone: str) -> datetime:
    if not text:
        return clock.now()
    try:
        if len(text) == len("2026-10-01"):
            return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone)).astimezone(UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError("Write --at as 2026-10-01, or as 2026-10-01T12:00+00:00.") from None
    if moment.tzinfo is None:
        raise CommandError("A moment needs its zone: 2026-10-01T12:00+00:00.")
    return moment.astimezone(UTC)
