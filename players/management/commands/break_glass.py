"""Makes the account for emergencies, or gives it a new password; print it once, seal it in an envelope."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kernel import clock
from players.services.staff import LoginTaken, UnknownRole
from players.services.staff_break_glass import NotBreakGlass, seal_account


class Command(BaseCommand):
    help = "Make the break-glass account, or give it a new password, which is printed once. Its sessions end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--login", default="break-glass")
        parser.add_argument("--role", default="administrator")

    def handle(self, *, login: str, role: str, **options: Any) -> None:
        try:
            password = seal_account(login=login, role=role, at=clock.now())
        except (NotBreakGlass, UnknownRole, LoginTaken) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{login}\n{password}")
        self.stderr.write("Seal this away: it is not shown again. Using it raises an alarm.")
