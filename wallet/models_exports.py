"""Files of transfers that staff asked for: what they hold, how far they are, until when they can be had."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention
from wallet.models_adjustments import _choices
from wallet.types_exports import ExportState


class TransferExport(models.Model):
    """One file of the transfers of a period: ``waiting → writing → done → expired``, or failed or cancelled.

    Written by services.period_exports. The file lies in ``EXPORTS_PATH`` under the row's id until ``expires_at``; the row
    stays, with the file's SHA-256. ``reached_at`` is how far in time the writing has come. No kinds: all.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    since = models.DateTimeField()
    period_until = models.DateTimeField()
    kinds = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    source = models.CharField(max_length=120, blank=True, default="")
    state = models.CharField(max_length=10, choices=_choices(ExportState), default=ExportState.WAITING.value)
    note = models.CharField(max_length=300, blank=True, default="")
    rows = models.BigIntegerField(default=0)
    bytes_written = models.BigIntegerField(default=0)
    reached_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    requested_by = models.CharField(max_length=80)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "export"
        indexes: ClassVar = [
            models.Index(
                fields=["id"],
                condition=models.Q(state__in=["waiting", "writing", "done"]),
                name="wallet_export_alive",
            ),
        ]

    def __str__(self) -> str:
        return f"transfers {self.since:%Y-%m-%d} – {self.period_until:%Y-%m-%d}"
