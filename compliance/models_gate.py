"""The gate's tables: what stands for each player's next bet, what they played by hour, and what was denied."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class PlayGate(models.Model):
    """What one player's next bet is judged by, and what the running session and hour have brought so far.

    Compiled by services.play_gate from pack, limits, verification and settings; good from ``valid_from`` until
    ``valid_until``. The running state is kept by sql/gate.sql, once per bet, under the player's lock. A row can be thrown
    away at any time but for what of the hour is not in PlayActivity yet: services.play_gate keeps that.
    ``plain``: nothing to check, which costs a bet one update of this row. No index but the key, so that it stays cheap.
    """

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    player = models.OneToOneField("players.Player", primary_key=True, on_delete=models.PROTECT, related_name="+")
    packs = models.CharField(max_length=120)
    compiled_at = models.DateTimeField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    plain = models.BooleanField()
    refusal = models.CharField(max_length=60, db_default="")
    time_zone = models.CharField(max_length=60, db_default="UTC")
    stake_caps = models.JSONField(db_default={})  # category, '*' for all others: minor units
    min_cycle_ms = models.JSONField(db_default={})  # category, '*' for all others: milliseconds
    games_offered = models.JSONField(null=True)  # categories; NULL: all
    has_limits = models.BooleanField(db_default=False)
    parallel_play = models.BooleanField(db_default=True)
    switch_seconds = models.IntegerField(db_default=0)  # without parallel play: how long after a bet another game waits
    reality_check_minutes = models.IntegerField(null=True)
    break_minutes = models.IntegerField(null=True)
    session_limit_minutes = models.IntegerField(null=True)
    session_gap_minutes = models.IntegerField(db_default=30)

    session_started_at = models.DateTimeField(null=True)
    last_bet_at = models.DateTimeField(null=True)
    last_game = models.TextField(db_default="")
    last_category = models.TextField(db_default="")
    session_bets = models.IntegerField(db_default=0)
    session_staked_minor = models.BigIntegerField(db_default=0)
    session_won_minor = models.BigIntegerField(db_default=0)
    reality_due_at = models.DateTimeField(null=True)
    break_until = models.DateTimeField(null=True)

    hour_at = models.DateTimeField(db_default=Now())  # any hour will do while nothing is counted in it
    hour_bets = models.IntegerField(db_default=0)
    hour_staked_minor = models.BigIntegerField(db_default=0)
    hour_won_minor = models.BigIntegerField(db_default=0)
    hour_played_ms = models.BigIntegerField(db_default=0)

    class Meta:
        default_permissions: ClassVar = ["view"]

    def __str__(self) -> str:
        return f"gate of {self.player_id}"


class PlayActivity(models.Model):
    """What a player staked and won of real money in one hour (UTC), and how long they played. Written by sql/gate.sql.

    A rollback takes out again what it undoes, where it was counted. The hour that runs is in PlayGate until the next
    one begins: ask selectors_gate.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    pk = models.CompositePrimaryKey("player_id", "hour_at")
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    hour_at = models.DateTimeField()
    bets = models.IntegerField()
    staked_minor = models.BigIntegerField()
    won_minor = models.BigIntegerField()
    played_ms = models.BigIntegerField()

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return f"{self.player_id} {self.hour_at}"


class GateDecision(models.Model):
    """One denial or review by the gate: who wanted what, why not, under which pack versions. Never changes.

    Written by services.gate and, for bets, by sql/gate.sql. ``inputs`` holds nothing personal. Partitioned by month.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    action = models.TextField()
    player_id = models.UUIDField(null=True)
    verdict = models.TextField()
    reasons = models.JSONField()
    inputs = models.JSONField()
    packs = models.TextField()
    actor = models.TextField()
    request_id = models.TextField(default="")
    decided_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "compliance_gatedecision"
        default_permissions: ClassVar = ["view"]

    def __str__(self) -> str:
        return f"{self.action} {self.verdict} {self.id}"
