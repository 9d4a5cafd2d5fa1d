"""Where players stand: what the projection ``loyalty.accrual`` keeps, and what staff order of levels."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from kernel.ids import uuid7
from kernel.protection import PersonalData, Protection, Retention
from loyalty.types import AccrualKind, Hold, MoveCause

FIRST_PROGRAMME = "standard"


class Standing(models.Model):
    """Where one player stands. Written by the projection ``loyalty.accrual`` only; none until something happened.

    ``turnover_eur`` and ``earned`` are exact sums. ``level`` and ``entered`` (the highest that turnover ever entered) are
    codes of the programme's levels; "" is the lowest. ``level_since`` and ``grace_until`` are empty while the level never
    moved. ``held_until`` is empty for a level that is held until staff end it.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    player = models.OneToOneField("players.Player", primary_key=True, on_delete=models.PROTECT, related_name="+")
    programme = models.CharField(max_length=40, default=FIRST_PROGRAMME)
    turnover_eur = models.DecimalField(max_digits=24, decimal_places=6)
    earned = models.DecimalField(max_digits=40, decimal_places=17)
    level = models.CharField(max_length=20)
    entered = models.CharField(max_length=20)
    level_since = models.DateTimeField(null=True)
    grace_until = models.DateTimeField(null=True)
    held = models.CharField(
        max_length=6, blank=True, default="", choices=[(h.value, h.name.capitalize()) for h in Hold]
    )
    held_until = models.DateTimeField(null=True)
    last_bet_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(turnover_eur__gte=0, earned__gte=0), name="loyalty_standing_never_below_zero"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["programme", "level", "player"], name="loyalty_standing_level")]

    def __str__(self) -> str:
        return f"{self.player_id} {self.level}"


class Accrual(models.Model):
    """What one bet or deposit earned, or one rollback took back. Written by ``loyalty.accrual`` only; never changes.

    ``id`` is the event's, ``bet_id`` the bet's (the deposit's). ``earned`` is exact. Bets that moved no turnover have none.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    player = models.ForeignKey(
        "players.Player", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    bet_id = models.UUIDField()
    kind = models.CharField(max_length=8, choices=[(k.value, k.name.capitalize()) for k in AccrualKind])
    turnover_eur = models.DecimalField(max_digits=24, decimal_places=6)
    coefficient = models.DecimalField(max_digits=6, decimal_places=3)
    multiplier = models.DecimalField(max_digits=6, decimal_places=3)
    promotion = models.DecimalField(max_digits=9, decimal_places=3)
    earned = models.DecimalField(max_digits=40, decimal_places=17)
    occurred_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            # Also how a rollback finds what its bet earned.
            models.UniqueConstraint(fields=["bet_id", "kind"], name="loyalty_accrual_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["player", "-id"], name="loyalty_accrual_history")]

    def __str__(self) -> str:
        return f"{self.earned:+} {self.player_id}"


class TurnoverDay(models.Model):
    """A player's turnover of one day (UTC); a rollback is taken out on the day of its bet. Written by ``loyalty.accrual``."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    pk = models.CompositePrimaryKey("player_id", "day")
    player = models.ForeignKey(
        "players.Player", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    day = models.DateField()
    turnover_eur = models.DecimalField(max_digits=24, decimal_places=6)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["day", "player"], include=["turnover_eur"], name="loyalty_turnoverday_of_day")
        ]

    def __str__(self) -> str:
        return f"{self.player_id} {self.day}"


class LevelChange(models.Model):
    """A player's level moved. Written by ``loyalty.accrual`` only; never changes. ``id`` is that of the event which moved
    it, ``turnover_eur`` the cumulative turnover after it. Levels are codes.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    programme = models.CharField(max_length=40)
    from_level = models.CharField(max_length=20)
    to_level = models.CharField(max_length=20)
    cause = models.CharField(max_length=9, choices=[(c.value, c.name.capitalize()) for c in MoveCause])
    turnover_eur = models.DecimalField(max_digits=24, decimal_places=6)
    changed_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="loyalty_levelchange_history"),
            models.Index(fields=["changed_at"], name="loyalty_levelchange_at"),
        ]

    def __str__(self) -> str:
        return f"{self.player_id} {self.from_level} → {self.to_level}"


class LevelOrder(models.Model):
    """Staff keep a player's level: forced to ``level``, or frozen where it is, until ``active_until`` (empty: until ended).

    Written by ``services.levels``; ends once. A player has one at a time.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS, {"reason": PersonalData.PLAIN})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=6, choices=[(h.value, h.name.capitalize()) for h in Hold if h])
    level = models.CharField(max_length=20, blank=True, default="")
    active_until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300)
    ordered_by = models.TextField()
    ordered_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.TextField(blank=True, default="")

    class Meta:
        permissions: ClassVar = [("order_levels", "Can force and freeze players' levels")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["player"], condition=Q(ended_at=None), name="loyalty_order_one_open"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["active_until"], condition=Q(ended_at=None), name="loyalty_order_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.level}"
