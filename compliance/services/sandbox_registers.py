"""A sandbox of registers across operators: limit files as in Germany (LUGAS) and Spain, an activity file as in Germany.

It counts for any number of operators, so that races between them can be tried. People whose last name is "Unreachable"
find it out of order.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Sum

from compliance.models_sandbox_registers import SandboxCentralActivity, SandboxCentralDeposit
from compliance.ports_limits import RegisterUnavailable
from compliance.rules_limits import A_MONDAY, window_at
from compliance.types_limits import CentralAnswer, CentralPerson, LimitPeriod
from kernel.ids import uuid7
from kernel.money import Money

OUT_OF_ORDER = "unreachable"
GERMANY: Mapping[LimitPeriod, int] = {LimitPeriod.MONTH: 100_000}
SPAIN: Mapping[LimitPeriod, int] = {LimitPeriod.DAY: 70_000, LimitPeriod.WEEK: 175_000, LimitPeriod.FOUR_WEEKS: 330_000}


@dataclass(frozen=True, slots=True)
class SandboxLimitFile:
    """Counts what one ``operator`` reports against limits over all of them: minor units per calendar period of ``zone``."""

    operator: str = "this"
    limits: Mapping[LimitPeriod, int] = field(default_factory=lambda: GERMANY)
    zone: str = "Europe/Berlin"
    four_weeks_from: date = A_MONDAY

    def reserve(self, *, person: CentralPerson, amount: Money, key: str, at: datetime) -> CentralAnswer:
        with transaction.atomic():
            who = _lock(person)
            known = SandboxCentralDeposit.objects.filter(operator=self.operator, key=key).first()
            if known:
                return CentralAnswer(True, str(known.id), str(known.id))
            for period, limit in self.limits.items():
                window = window_at(period, at, self.zone, self.four_weeks_from)
                counted = SandboxCentralDeposit.objects.filter(
                    person=who, counted_at__gte=window.start, counted_at__lt=window.end, released_at=None
                ).aggregate(total=Sum("amount_minor"))["total"]
                if (counted or 0) + amount.amount_minor > limit:
                    return CentralAnswer(False, str(uuid7()), resets_at=window.end, period=period)
            row = SandboxCentralDeposit.objects.create(
                person=who, operator=self.operator, key=key, amount_minor=amount.amount_minor, counted_at=at
            )
            return CentralAnswer(True, str(row.id), str(row.id))

    def release(self, *, reservation: str, at: datetime) -> None:
        SandboxCentralDeposit.objects.filter(id=reservation, released_at=None).update(released_at=at)


@dataclass(frozen=True, slots=True)
class SandboxActivityFile:
    """Lets a person play with one operator, and with another only ``wait`` after the first has reported the end."""

    operator: str = "this"
    wait: timedelta = timedelta(minutes=5)

    def begin(self, *, person: CentralPerson, at: datetime) -> CentralAnswer:
        with transaction.atomic():
            who = _lock(person)
            known = SandboxCentralActivity.objects.filter(person=who).first()
            if known and known.operator != self.operator:
                free_at = known.ended_at + self.wait if known.ended_at else None
                if free_at is None or at < free_at:
                    return CentralAnswer(False, str(uuid7()), resets_at=free_at)
            SandboxCentralActivity.objects.update_or_create(
                person=who, defaults={"operator": self.operator, "ended_at": None}
            )
            return CentralAnswer(True, str(uuid7()))

    def end(self, *, person: CentralPerson, at: datetime) -> None:
        with transaction.atomic():
            rows = SandboxCentralActivity.objects.filter(person=_lock(person), operator=self.operator, ended_at=None)
            rows.update(ended_at=at)


def _lock(person: CentralPerson) -> str:
    """The person as the register knows them, alone until the transaction ends. Raises: RegisterUnavailable."""
    if person.last_name.casefold() == OUT_OF_ORDER:
        raise RegisterUnavailable("the sandbox is out of order for this person")
    words = f"{person.first_name} {person.last_name}".casefold()
    plain = "".join(char for char in unicodedata.normalize("NFKD", words) if char.isalnum())
    who = hashlib.sha256(f"{plain}:{person.birth_date}:{person.country}".encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [f"sandbox-register:{who}"])
    return who
