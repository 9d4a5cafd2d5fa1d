"""Reports of providers, what their rows were matched with, and the cases that did not match."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention
from wallet.models_adjustments import Adjustment, _choices
from wallet.types import AccountKind
from wallet.types_reconciliation import CaseKind, CaseState, ReportSide, ReportState, RowState


def _deposits() -> list[str]:
    return ["deposit"]


class ReportMapping(models.Model):
    """How one provider's CSV is read. Written by staff; a change counts for files uploaded after it.

    ``source`` is the payment provider's or the integration's name. An empty delimiter or encoding is detected; an
    empty ``currency_column`` means that all amounts are in ``currency``. ``time_format`` is strptime's, empty for
    ISO 8601; times are UTC. Rows without a known id match the same amount within ``window_s`` seconds; amounts may differ
    by ``tolerance_minor``. ``covers`` are the kinds of payment that the file lists. ``kinds`` says what the words of
    ``kind_column`` mean; without that column the amount's sign tells. ``net`` amounts are without the fee.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)
    side = models.CharField(max_length=10, choices=_choices(ReportSide))
    source = models.CharField(max_length=120)
    reference_column = models.CharField(max_length=80)
    amount_column = models.CharField(max_length=80)
    time_column = models.CharField(max_length=80)
    currency_column = models.CharField(max_length=80, blank=True, default="")
    currency = models.CharField(max_length=3, blank=True, default="")
    time_format = models.CharField(max_length=40, blank=True, default="")
    decimal_comma = models.BooleanField(default=False)
    delimiter = models.CharField(max_length=1, blank=True, default="")
    encoding = models.CharField(max_length=20, blank=True, default="")
    window_s = models.PositiveIntegerField(default=3600, verbose_name="time window, in seconds")
    tolerance_minor = models.PositiveBigIntegerField(default=0, verbose_name="tolerance, in minor units")
    covers = ArrayField(models.CharField(max_length=12), default=_deposits)
    kind_column = models.CharField(max_length=80, blank=True, default="")
    kinds = models.JSONField(default=dict, blank=True)
    fee_column = models.CharField(max_length=80, blank=True, default="")
    net = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class Report(models.Model):
    """One uploaded file and how far its matching has come. Written by services.reconciliation.

    ``content`` is the file as it came, zlib-compressed; the same file is taken once per mapping (``digest``).
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    mapping = models.ForeignKey(ReportMapping, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    content = models.BinaryField()
    state = models.CharField(max_length=10, choices=_choices(ReportState), default=ReportState.WAITING.value)
    note = models.CharField(max_length=300, blank=True, default="")
    rows = models.IntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    bytes_whole = models.BigIntegerField()
    matched = models.IntegerField(default=0)
    differing = models.IntegerField(default=0)
    unmatched = models.IntegerField(default=0)
    bad = models.IntegerField(default=0)
    missing = models.IntegerField(default=0)
    uploaded_by = models.CharField(max_length=80)
    uploaded_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        permissions: ClassVar = [("reconcile", "Uploads provider reports and works reconciliation cases")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mapping", "digest"], name="wallet_report_file_once"),
        ]

    def __str__(self) -> str:
        return self.file_name


class ReportRow(models.Model):
    """One line of a report. Written while it is matched; a bad line says why it cannot be read.

    ``kind`` is what the line is about, as far as it says ("in" and "out" by its sign). ``subject_id`` is our deposit,
    payout or transfer, ``ours_minor`` what it says. ``fee_minor`` is the provider's own fee.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="+")
    line = models.IntegerField()
    reference = models.CharField(max_length=200, blank=True, default="")
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    kind = models.CharField(max_length=12, blank=True, default="")
    fee_minor = models.BigIntegerField(default=0)
    happened_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=_choices(RowState), default=RowState.NEW.value)
    reason = models.CharField(max_length=200, blank=True, default="")
    subject_id = models.UUIDField(null=True)
    player_id = models.UUIDField(null=True)
    ours_minor = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["report", "line"], name="wallet_report_row_line_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["report", "state", "line"], name="wallet_report_row_state"),
            models.Index(fields=["report", "subject_id"], name="wallet_report_row_subject"),
        ]

    def __str__(self) -> str:
        return f"line {self.line}"


class ReconciliationCase(models.Model):
    """Something that theirs and ours say differently: ``open → claimed → resolved``. Worked by staff.

    ``what`` is the kind of payment, as ours says, else as theirs does; "" for games.
    Amounts are minor units; None where that side does not know of it. A repair is an adjustment.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=_choices(CaseKind))
    what = models.CharField(max_length=12, blank=True, default="")
    line = models.IntegerField(null=True)
    reference = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(max_length=200, blank=True, default="")
    player = models.ForeignKey("players.Player", null=True, on_delete=models.PROTECT, related_name="+")
    subject_id = models.UUIDField(null=True)
    theirs_minor = models.BigIntegerField(null=True)
    ours_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    happened_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=_choices(CaseState), default=CaseState.OPEN.value)
    claimed_by = models.CharField(max_length=80, blank=True, default="")
    claimed_at = models.DateTimeField(null=True)
    resolution = models.TextField(blank=True, default="")
    resolved_by = models.CharField(max_length=80, blank=True, default="")
    resolved_at = models.DateTimeField(null=True)
    adjustment = models.ForeignKey(Adjustment, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["report", "id"], name="wallet_case_report"),
            models.Index(fields=["id"], condition=~models.Q(state="resolved"), name="wallet_case_open"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class LiabilityDay(models.Model):
    """What the house owed its players at the end of one day (UTC), by purse kind and currency.

    Written once by services.liability: the day before plus the day's entries. Never changes.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    pk = models.CompositePrimaryKey("day", "currency", "kind")
    day = models.DateField()
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=12, choices=_choices(AccountKind))
    total_minor = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.currency}"


class LiabilityCheck(models.Model):
    """One comparison of the days' figures with the balances: after each closed day, and until they agree again.

    ``differences``: kind, currency, and what each side says in minor units; empty when all is well. Written by
    services.liability, never changed.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    day = models.DateField()
    differences = models.JSONField()
    checked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.day}: {len(self.differences)} differences"
