"""Rollups. Written by the projection ``analytics.day-totals`` only, by analytics/sql/day_totals.sql."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.protection import Protection, Retention


class DayTotals(models.Model):
    """One UTC day of play time in one currency; amounts in minor units, net of the rollbacks of that day.

    Registrations stand under the player's currency. ``active_players`` have placed a bet that day. Grows until late
    events of the day are in; no row where nothing happened.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    pk = models.CompositePrimaryKey("day", "currency")
    day = models.DateField()
    currency = models.CharField(max_length=3)
    registrations = models.BigIntegerField(default=0)
    active_players = models.BigIntegerField(default=0)
    bets = models.BigIntegerField(default=0)
    stakes_minor = models.BigIntegerField(default=0)
    stakes_real_minor = models.BigIntegerField(default=0)
    wins_count = models.BigIntegerField(default=0)
    wins_minor = models.BigIntegerField(default=0)
    wins_real_minor = models.BigIntegerField(default=0)
    rollbacks = models.BigIntegerField(default=0)
    rolled_back_minor = models.BigIntegerField(default=0)
    deposits = models.BigIntegerField(default=0)
    deposited_minor = models.BigIntegerField(default=0)
    deposits_failed = models.BigIntegerField(default=0)
    jackpot_contributions_minor = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "day totals"

    def __str__(self) -> str:
        return f"{self.day} {self.currency}"


class PlayerDay(models.Model):
    """What one player played and paid in on one UTC day; real money in minor units of ``currency``, net of rollbacks.

    No row where the player neither bet, won, deposited nor had a bet rolled back.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    pk = models.CompositePrimaryKey("player_id", "day")
    player = models.ForeignKey(
        "players.Player", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    day = models.DateField()
    currency = models.CharField(max_length=3)
    bets = models.BigIntegerField()
    stakes_real_minor = models.BigIntegerField()
    wins_real_minor = models.BigIntegerField()
    deposited_minor = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.day} {self.player_id}"
