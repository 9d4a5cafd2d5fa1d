"""Levels and coefficients (configuration), and what the accrual projection keeps."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kernel.protection import Protection, Retention
from loyalty.types import EntryKind


class Level(models.Model):
    """One loyalty level, entered at a cumulative turnover of ``threshold_eur``. Seeded by migration.

    ``multiplier`` scales points, ``cashback`` is a fraction. A change counts for bets that are accrued after it, and
    makes a rebuild differ.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    code = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=60)
    order = models.SmallIntegerField(unique=True)
    threshold_eur = models.DecimalField(max_digits=14, decimal_places=2, unique=True)
    multiplier = models.DecimalField(max_digits=6, decimal_places=3)
    cashback = models.DecimalField(max_digits=5, decimal_places=4)
    privileges = ArrayField(models.CharField(max_length=40), default=list, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(threshold_eur__gte=0, multiplier__gt=0, cashback__gte=0, cashback__lt=1),
                name="loyalty_level_sane",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Coefficient(models.Model):
    """What a euro of turnover counts in one game category; ``exclusive`` is for exclusive games of any category."""

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    category = models.CharField(max_length=10, primary_key=True)
    coefficient = models.DecimalField(max_digits=6, decimal_places=3)

    def __str__(self) -> str:
        return self.category


class Programme(models.Model):
    """The programme's one row: points per euro of turnover, before coefficient and multiplier."""

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.SmallIntegerField(primary_key=True, default=1)
    points_per_eur = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1, points_per_eur__gte=0), name="loyalty_programme_once"),
        ]

    def __str__(self) -> str:
        return f"{self.points_per_eur} points per EUR"


class Standing(models.Model):
    """Where one player stands. Written by the projection ``loyalty.accrual`` only; none until the first bet.

    ``turnover_eur`` and ``earned`` are exact sums; ``points`` is the floor of ``earned``. ``level_since`` is empty
    while the player never left the first level.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    player = models.OneToOneField("players.Player", primary_key=True, on_delete=models.PROTECT, related_name="+")
    turnover_eur = models.DecimalField(max_digits=24, decimal_places=6)
    earned = models.DecimalField(max_digits=36, decimal_places=14)
    points = models.BigIntegerField()
    level = models.ForeignKey(Level, on_delete=models.PROTECT, related_name="+")
    level_since = models.DateTimeField(null=True)
    last_bet_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(turnover_eur__gte=0, earned__gte=0), name="loyalty_standing_never_below_zero"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.player_id} {self.level_id}"


class PointsEntry(models.Model):
    """What one bet earned, or one rollback took back. Written by ``loyalty.accrual`` only; never changes.

    ``id`` is the event's. ``earned`` is exact, ``points`` the whole points by which it moved the balance. Bets that
    moved no turnover (bonus stakes) have none.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    player = models.ForeignKey(
        "players.Player", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    bet_id = models.UUIDField()
    kind = models.CharField(max_length=8, choices=[(k.value, k.name.capitalize()) for k in EntryKind])
    turnover_eur = models.DecimalField(max_digits=24, decimal_places=6)
    coefficient = models.DecimalField(max_digits=6, decimal_places=3)
    multiplier = models.DecimalField(max_digits=6, decimal_places=3)
    earned = models.DecimalField(max_digits=36, decimal_places=14)
    points = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    occurred_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "points entries"
        constraints: ClassVar = [
            # Also how a rollback finds what its bet earned.
            models.UniqueConstraint(fields=["bet_id", "kind"], name="loyalty_entry_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["player", "-id"], name="loyalty_entry_history")]

    def __str__(self) -> str:
        return f"{self.points:+} {self.player_id}"


class LevelChange(models.Model):
    """A player's level moved. Written by ``loyalty.accrual`` only; never changes. ``id`` is that of the bet's or
    rollback's event which moved it, ``turnover_eur`` the cumulative turnover after it.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    from_level = models.ForeignKey(Level, on_delete=models.PROTECT, related_name="+", db_index=False)
    to_level = models.ForeignKey(Level, on_delete=models.PROTECT, related_name="+", db_index=False)
    turnover_eur = models.DecimalField(max_digits=24, decimal_places=6)
    changed_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["player", "-id"], name="loyalty_levelchange_history")]

    def __str__(self) -> str:
        return f"{self.player_id} {self.from_level_id} → {self.to_level_id}"
