"""Which versions of jurisdiction packs are in force."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class PackActivation(models.Model):
    """One version of a pack, put in force from ``in_force_from`` on. Written by services.packs; never changes.

    ``content`` is everything the version says, as it was signed: later changes of the file do not reach it. ``digest`` is
    SHA-256 over it; ``signed_off`` gives, for each value that nobody has seen a source for, why it may hold. A version is
    not taken back: a newer one takes its place.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    pack = models.CharField(max_length=20)
    version = models.DateField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    signed_off = models.JSONField(default=dict)
    in_force_from = models.DateTimeField()
    requested_by = models.CharField(max_length=80)
    activated_by = models.CharField(max_length=80)
    activated_at = models.DateTimeField()

    class Meta:
        verbose_name = "pack"
        default_permissions: ClassVar[Any] = ["view"]
        permissions: ClassVar = [
            ("activate_pack", "Asks for a pack's version to be put in force, and signs values without a seen source"),
            ("approve_pack", "Puts a pack's version in force that somebody else asked for"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["pack", "version"], name="compliance_pack_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.pack} {self.version}"
