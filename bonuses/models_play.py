"""What the projection ``bonuses.play`` keeps: what players staked and won, for cashback and the triggers of play."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.protection import Protection, Retention


class PlayDay(models.Model):
    """One player's real money in play on one day (UTC), in minor units of their currency. Rolled-back bets are taken out
    on the day of the rollback. Written by the projection only."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    pk = models.CompositePrimaryKey("player_id", "day")
    player = models.ForeignKey(
        "players.Player", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    day = models.DateField()
    currency = models.CharField(max_length=3)
    staked_minor = models.BigIntegerField()
    won_minor = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["day", "player"], name="bonuses_playday_window")]

    def __str__(self) -> str:
        return f"{self.player_id} {self.day}"


class PlayTotal(models.Model):
    """One player's play so far: turnover in EUR (real money, at the posting's rate), and the last bet. Written by the
    projection only."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    player = models.OneToOneField(
        "players.Player", primary_key=True, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    turnover_eur = models.DecimalField(max_digits=24, decimal_places=6)
    last_bet_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["turnover_eur"], name="bonuses_total_turnover"),
            models.Index(fields=["last_bet_at"], name="bonuses_total_last_bet"),
        ]

    def __str__(self) -> str:
        return f"{self.player_id} {self.turnover_eur}"
