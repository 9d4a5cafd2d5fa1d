"""``manage.py offers``: offers as files."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bonuses.services.files import apply_files, diff_files, export_offers, read_file, roll_back
from kernel import clock
from kernel.actors import system
from kernel.errors import DomainError, FieldErrors


class Command(BaseCommand):
    help = "Export offers to files, compare files with what is in force, promote them, roll one back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        for name, text in (
            ("export", "write what is in force to a folder"),
            ("diff", "say what the files of a folder would change; exit code 1 where they would"),
            ("apply", "write what differs as new versions and ask for their release"),
        ):
            step = steps.add_parser(name, help=text)
            step.add_argument("folder", type=Path)
        steps.choices["apply"].add_argument("--comment", required=True, help="what the second person reads")
        back = steps.add_parser("rollback", help="bring an older version back, and ask for its release")
        back.add_argument("code")
        back.add_argument("number", type=int)
        back.add_argument("--comment", required=True, help="what the second person reads")

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
        actor, at = system("offers"), clock.now()
        if options["step"] == "rollback":
            version = roll_back(
                code=options["code"], number=options["number"], comment=options["comment"], actor=actor, at=at
            )
            self.stdout.write(f"{version.offer}: version {version.number} waits for a second person.")
            return
        folder: Path = options["folder"]
        if options["step"] == "export":
            for path in export_offers(folder=folder):
                self.stdout.write(str(path))
            return
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        files = [read_file(path=path) for path in sorted(folder.glob("*.json"))]
        if options["step"] == "apply":
            for version in apply_files(files=files, comment=options["comment"], actor=actor, at=at):
                self.stdout.write(f"{version.offer}: version {version.number} waits for a second person.")
            return
        changes = diff_files(files=files)
        for change in changes:
            self.stdout.write(f"{change.code} {change.path}: {change.before or '-'} → {change.after or '-'}")
        if changes:
            raise SystemExit(1)
        self.stdout.write("Nothing differs.")
