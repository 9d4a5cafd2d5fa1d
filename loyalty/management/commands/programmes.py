"""``manage.py programmes``: loyalty programmes as files."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from kernel.actors import system
from kernel.errors import DomainError, FieldErrors
from loyalty.services.files import apply_files, diff_file, export_programmes, read_file, roll_back


class Command(BaseCommand):
    help = "Export loyalty programmes to files, compare files with what is in force, promote them, roll one back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        for name, text in (
            ("export", "write what is in force to a folder"),
            ("diff", "say what the files of a folder would change; exit code 1 where they would"),
            ("apply", "write what differs as new versions and ask for their release"),
        ):
            step = steps.add_parser(name, help=text)
            step.add_argument("folder", type=Path)
        back = steps.add_parser("rollback", help="bring an older version back, and ask for its release")
        back.add_argument("code")
        back.add_argument("number", type=int)
        for step in (steps.choices["apply"], back):
            step.add_argument("--comment", required=True, help="what the second person reads")
            step.add_argument(
                "--active-from", default="", help="in force from (UTC, ISO 8601); tomorrow, when left out"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options)
        except FieldErrors as error:
            raise CommandError(
                "\n".join(f"{field}: {' '.join(texts)}" for field, texts in error.errors.items())
            ) from None
        except DomainError as error:
            raise CommandError(error.detail) from None

    def _run(self, options: dict[str, Any]) -> None:
        frame: dict[str, Any] = {"actor": system("programmes"), "at": clock.now()}
        if options["step"] in ("rollback", "apply"):
            frame |= {"comment": options["comment"], "active_from": _moment(options["active_from"], clock.now())}
        if options["step"] == "rollback":
            version = roll_back(code=options["code"], number=options["number"], **frame)
            self.stdout.write(f"{version.programme}: version {version.number} waits for a second person.")
            return
        folder: Path = options["folder"]
        if options["step"] == "export":
            for path in export_programmes(folder=folder, at=clock.now()):
                self.stdout.write(str(path))
            return
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        files = [read_file(path=path) for path in sorted(folder.glob("*.json"))]
        if options["step"] == "apply":
            for version in apply_files(files=files, **frame):
                self.stdout.write(f"{version.programme}: version {version.number} waits for a second person.")
            return
        differs = False
        for file in files:
            for path_, (before, after) in diff_file(file=file, at=clock.now()):
                differs = True
                self.stdout.write(f"{file.code} {path_}: {before or '-'} → {after or '-'}")
        if differs:
            raise SystemExit(1)
        self.stdout.write("Nothing differs.")


def _moment(text: str, at: datetime) -> datetime:
    if not text:
        return (at + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError("--active-from: write a moment such as 2026-12-01T00:00:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
