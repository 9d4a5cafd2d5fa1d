"""What the house charges players for."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.protection import Protection, Retention
from wallet.models_adjustments import _choices
from wallet.types_payments import InstrumentKind
from wallet.types_purses import FeeKind


class FeeRule(models.Model):
    """A fee: a percentage and a fixed part, for withdrawals, rake or buy-ins in one currency. Written by staff.

    Of the rules that fit, the one that names most (level, method, game) applies, the later one among equals. What was
    quoted to a player stands, whatever becomes of the rule.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20, choices=_choices(FeeKind))
    currency = models.CharField(max_length=3)
    percent = models.DecimalField(
        max_digits=7, decimal_places=4, default=0, help_text="Of the amount: 2.5 is 2.5 %. Rounded half up to a cent."
    )
    fixed_minor = models.PositiveBigIntegerField(
        default=0, verbose_name="fixed", help_text="Added to the percentage, in minor units: 150 is 1.50 EUR."
    )
    least_minor = models.PositiveBigIntegerField(default=0, verbose_name="at least", help_text="In minor units.")
    most_minor = models.PositiveBigIntegerField(
        null=True, blank=True, verbose_name="at most", help_text="In minor units; empty: no ceiling."
    )
    level = models.CharField(
        max_length=120, blank=True, default="", help_text="Code of a loyalty level, such as gold; empty for everybody."
    )
    method = models.CharField(
        max_length=10, blank=True, default="", choices=_choices(InstrumentKind), help_text="Of withdrawals; empty: any."
    )
    game = models.CharField(max_length=80, blank=True, default="", help_text="Code of a game, of rake; empty: any.")
    effective_from = models.DateTimeField()
    effective_until = models.DateTimeField(null=True, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(percent__gte=0, percent__lte=100), name="wallet_feerule_percent"),
            models.CheckConstraint(
                condition=models.Q(most_minor=None) | models.Q(most_minor__gte=models.F("least_minor")),
                name="wallet_feerule_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} fee {self.currency}"
