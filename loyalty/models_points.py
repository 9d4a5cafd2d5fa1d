"""Players' points: their balances, the ledger behind them, and what they were redeemed for."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from kernel.ids import uuid7
from kernel.protection import PersonalData, Protection, Retention
from loyalty.types import EntryKind, RedemptionState


class PointsAccount(models.Model):
    """A player's points: ``balance`` to spend, ``held`` set aside for redemptions. Written together with each entry, by
    whoever holds the player.

    ``accrued`` is what play has brought so far: whole points of the standing's exact sum, so that what is over is carried.
    Only play may take ``balance`` below zero: by bets that were undone after their points were spent. ``active_at`` is the
    last bet, deposit or redemption; ``warned_days`` the last warning since, that all will expire in so many days.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    player = models.OneToOneField("players.Player", primary_key=True, on_delete=models.PROTECT, related_name="+")
    balance = models.BigIntegerField()
    held = models.BigIntegerField(default=0)
    accrued = models.BigIntegerField(default=0)
    active_at = models.DateTimeField()
    warned_days = models.SmallIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(held__gte=0), name="loyalty_points_held_sane")]
        indexes: ClassVar = [
            models.Index(fields=["active_at"], condition=Q(balance__gt=0), name="loyalty_points_expiring"),
        ]

    def __str__(self) -> str:
        return f"{self.player_id}: {self.balance}"


class PointsEntry(models.Model):
    """One line of a player's points: by what it moved the balance and what is set aside, and both after it. Never changes.

    ``key`` names what moved them: it happens once. ``digest`` is of what was asked under the key. ``reference`` is a
    redemption's or an approval's id, or the reason's code. Play has one for all that one batch of events earned.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=[(k.value, k.name.capitalize()) for k in EntryKind])
    points = models.BigIntegerField()
    held = models.BigIntegerField(default=0)
    balance_after = models.BigIntegerField()
    held_after = models.BigIntegerField()
    key = models.CharField(max_length=255, unique=True)
    digest = models.BinaryField(max_length=32, null=True)
    reference = models.CharField(max_length=80, blank=True, default="")
    actor = models.TextField()
    occurred_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "points entries"
        permissions: ClassVar = [
            ("correct_points", "Can ask for corrections of players' points"),
            ("approve_points", "Can approve corrections of points that another person asked for"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="loyalty_points_history"),
            models.Index(fields=["occurred_at"], name="loyalty_points_at"),
        ]

    def __str__(self) -> str:
        return f"{self.points:+} {self.player_id}"


class Redemption(models.Model):
    """Points for a bonus: ``steps`` of a programme's item. Written by ``services.redemptions``; ends once.

    ``worth_minor`` is in minor units of ``currency``, 0 for free spins. ``occasion`` of the grant is this row's id.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS, {"note": PersonalData.PLAIN})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    programme = models.CharField(max_length=40)
    item = models.CharField(max_length=40)
    offer = models.CharField(max_length=60)
    steps = models.IntegerField()
    points = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    worth_minor = models.BigIntegerField(default=0)
    state = models.CharField(max_length=8, choices=[(s.value, s.name.capitalize()) for s in RedemptionState])
    why = models.CharField(max_length=200, blank=True, default="")
    note = models.CharField(max_length=300, blank=True, default="")
    grant_id = models.UUIDField(null=True, blank=True)
    key = models.CharField(max_length=255, unique=True)
    digest = models.BinaryField(max_length=32)
    requested_by = models.TextField()
    requested_at = models.DateTimeField()
    decide_until = models.DateTimeField(null=True, blank=True)
    decided_by = models.TextField(blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions: ClassVar = [
            ("redeem_points", "Can redeem points for players"),
            ("decide_redemptions", "Can confirm and reject redemptions"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(points__gt=0, steps__gt=0, worth_minor__gte=0), name="loyalty_redemption_sane"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="loyalty_redemption_history"),
            models.Index(fields=["decide_until"], condition=Q(state="held"), name="loyalty_redemption_due"),
        ]

    def __str__(self) -> str:
        return f"{self.points} for {self.item}"
