"""What the sandbox of registers across operators has in its books: for demonstrations and tests, never for real people."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class SandboxCentralDeposit(models.Model):
    """A deposit with some operator, as a central limit file counts it. ``person`` is a hash. Written by sandbox_registers."""

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.CharField(max_length=64)
    operator = models.CharField(max_length=40)
    key = models.CharField(max_length=330)
    amount_minor = models.BigIntegerField()
    counted_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions: ClassVar = []
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["operator", "key"], name="compliance_sandboxdeposit_key_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["person", "counted_at"], name="compliance_sandboxdeposit_of")]

    def __str__(self) -> str:
        return str(self.id)


class SandboxCentralActivity(models.Model):
    """With which operator a person plays, or played last (``ended_at``). Written by sandbox_registers."""

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    person = models.CharField(max_length=64, primary_key=True)
    operator = models.CharField(max_length=40)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return self.person
