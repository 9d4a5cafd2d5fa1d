"""Rounds that are closed, and jackpots. Written by wallet/sql/rounds.sql and jackpots.sql, the list of jackpots by staff."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.protection import Protection, Retention


class ClosedRound(models.Model):
    """A round of a player that takes no more bets, by the name that the game gave it; never changes.

    Its figures at that moment are in the event RoundSettled, which was published with the row.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    pk = models.CompositePrimaryKey("player_id", "round", "game", "source")
    player = models.ForeignKey(
        "players.Player", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    round = models.TextField()
    game = models.TextField()
    source = models.TextField()
    closed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.game} {self.round}"


class RoundSweep(models.Model):
    """How far the job that closes forgotten rounds has come: one row, moved on by the job alone."""

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.SmallIntegerField(primary_key=True, default=1)
    swept_until = models.DateTimeField(help_text="Bets recorded before this moment are looked at.")

    def __str__(self) -> str:
        return f"swept until {self.swept_until:%Y-%m-%d %H:%M}"


class Jackpot(models.Model):
    """A jackpot that games pay into, in one currency. Written by staff and imports; ``code`` never changes.

    Its money is on an account of the house of its own, opened with the first contribution.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    code = models.CharField(max_length=80, primary_key=True, help_text="As games name it; it never changes.")
    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3)

    def __str__(self) -> str:
        return self.name


class JackpotCarry(models.Model):
    """What of a player's contributions to a jackpot is less than a minor unit yet, in millionths of one.

    Per player, so that players never queue for a jackpot's row. Written with every contribution.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    pk = models.CompositePrimaryKey("player_id", "jackpot_id")
    player = models.ForeignKey(
        "players.Player", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    jackpot = models.ForeignKey(
        Jackpot, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    carry_micro = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(carry_micro__gte=0, carry_micro__lt=1_000_000), name="wallet_jackpotcarry_below_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.jackpot_id} {self.player_id}"


class JackpotContribution(models.Model):
    """What of one bet went to one jackpot, in millionths of a minor unit; ``booked_minor`` was moved with it.

    Never changes: a rollback takes the exact amount back and leaves the row.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    pk = models.CompositePrimaryKey("bet_id", "jackpot_id")
    bet_id = models.UUIDField()
    jackpot = models.ForeignKey(
        Jackpot, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    exact_micro = models.BigIntegerField()
    booked_minor = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.bet_id} {self.jackpot_id}"


class HoldEvent(models.Model):
    """When the event begins that a reserved bet is on, as the integrator said it. Written once, by services.holds.

    Reserved bets on events that have not begun go back to players who are excluded, where their jurisdiction asks for it.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    hold_id = models.UUIDField(primary_key=True, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    begins_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"event of {self.hold_id}"
