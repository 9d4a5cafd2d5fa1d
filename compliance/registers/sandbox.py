"""A register of excluded people that exists only here: for the demo, tests and integrators' trials."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from compliance.ports_exclusion import RegisterAnswer, RegisterPerson, RegisterUnavailable
from compliance.types_exclusion import RegisterMoment
from kernel.ids import uuid7

# The registers that the packs name.
NAMES = ("GAMSTOP", "Spelpaus", "OASIS", "ROFUS", "CRUKS", "iGO central self-exclusion", "RGIAJ", "RUA")
# What a last name says. Everybody else is clear.
SCRIPT = {
    "Listed": "listed without an end",
    "Listed-Month": "listed for another 30 days",
    "Timeout": "no answer in time",
    "Garbled": "an answer that cannot be read",
}


@dataclass
class SandboxRegister:
    """The person's last name says what happens (``SCRIPT``). ``listed`` adds others, by (last name, birth date);
    ``fault`` ("timeout", "garbled") overrides all answers. Both last as long as the process.
    """

    name: str
    listed: dict[tuple[str, object], datetime | None] = field(default_factory=dict)
    fault: str = ""

    def check(self, person: RegisterPerson, moment: RegisterMoment, at: datetime) -> RegisterAnswer:
        """Is this person excluded now? Raises: RegisterUnavailable."""
        fault = self.fault or person.last_name.casefold()
        if fault == "timeout":
            raise RegisterUnavailable(f"{self.name} did not answer within 3 seconds")
        if fault == "garbled":
            raise RegisterUnavailable(f"{self.name} answered what cannot be read")
        reply_id = f"{self.name.lower()}-{uuid7()}"
        if person.last_name.casefold() == "listed-month":
            return RegisterAnswer(True, reply_id, at + timedelta(days=30))
        key = (person.last_name.casefold(), person.birth_date)
        if person.last_name.casefold() == "listed" or key in self.listed:
            return RegisterAnswer(True, reply_id, self.listed.get(key))
        return RegisterAnswer(False, reply_id)

    def list_person(self, last_name: str, birth_date: object, until: datetime | None = None) -> None:
        self.listed[last_name.casefold(), birth_date] = until

    def unlist_person(self, last_name: str, birth_date: object) -> None:
        self.listed.pop((last_name.casefold(), birth_date), None)
