"""Exchange rates as they were published."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.protection import Protection, Retention


class ExchangeRate(models.Model):
    """How many units of ``currency`` one euro was worth on a day, as ``source`` says. Written by kernel.fx; never changes.

    A day without a row (a weekend) takes the rate of the last day before it.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.BigAutoField(primary_key=True)
    currency = models.CharField(max_length=3)
    day = models.DateField()
    per_euro = models.DecimalField(max_digits=20, decimal_places=8)
    source = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["currency", "day"], name="kernel_exchangerate_once"),
            models.CheckConstraint(condition=models.Q(per_euro__gt=0), name="kernel_exchangerate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.day} 1 EUR = {self.per_euro.normalize():f} {self.currency}"
