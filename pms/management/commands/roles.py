"""Roles at a deployment: what the code would change in the database, and changing it.

Custom roles, made in the back office, are never touched.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kernel import clock
from kernel.actors import system
from players.services.roles import apply_roles, plan_roles
from players.types_access import RoleDifference
from pms.roles import ROLES


class Command(BaseCommand):
    help = "Show what bringing the shipped roles in line with the code would change (exit code 1 when anything would)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="change it")

    def handle(self, *, apply: bool, **options: Any) -> None:
        changes = [difference for difference in plan_roles(ROLES) if difference.state != "same"]
        for difference in changes:
            self._tell(difference)
        if not changes:
            self.stdout.write("The shipped roles are as in the code.")
        elif apply:
            apply_roles(ROLES, actor=system("roles"), at=clock.now())
            self.stdout.write(f"{len(changes)} roles changed.")
        else:
            self.stdout.write("Nothing was changed; --apply does it.")
            raise SystemExit(1)

    def _tell(self, difference: RoleDifference) -> None:
        notes = {"new": "is new", "changed": "changes", "gone": "is not in the code any more and loses everything"}
        self.stdout.write(f"{difference.name} {notes[difference.state]} ({difference.members} people)")
        for code in difference.added:
            self.stdout.write(f"  + {code}")
        for code in difference.removed:
            self.stdout.write(f"  - {code}")
