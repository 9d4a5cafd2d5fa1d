"""Forms of loyalty on the wire. Amounts of turnover are in EUR."""

from __future__ import annotations

from rest_framework import serializers

from kernel.rest.serializers import ExactDecimalField
from loyalty.types import Hold


class LevelSerializer(serializers.Serializer):
    """One level; ``cashback`` is a fraction (0.02 is 2 %)."""

    code = serializers.CharField()
    name = serializers.CharField()
    order = serializers.IntegerField()
    entry_eur = ExactDecimalField(help_text="Cumulative turnover that enters the level.")
    keep_eur = ExactDecimalField(help_text="Turnover of 30 days that keeps the level.")
    multiplier = ExactDecimalField()
    cashback = ExactDecimalField()
    privileges = serializers.ListField(child=serializers.CharField())


class StandingSerializer(serializers.Serializer):
    """Where a player stands: ``points`` to spend and set aside, what is missing to the next level, what keeps this one."""

    player_id = serializers.UUIDField()
    programme = serializers.CharField()
    level = LevelSerializer()
    level_since = serializers.DateTimeField(allow_null=True)
    points = serializers.IntegerField()
    points_held = serializers.IntegerField(help_text="Set aside for redemptions.")
    turnover_eur = ExactDecimalField(help_text="Of all time.")
    next_level = LevelSerializer(allow_null=True)
    to_next_eur = ExactDecimalField(allow_null=True, help_text="Turnover missing to the next level.")
    turnover_30d_eur = ExactDecimalField(help_text="Of the last 30 days (UTC), today among them.")
    keep_eur = ExactDecimalField(help_text="Turnover of 30 days that keeps the level.")
    to_keep_eur = ExactDecimalField(help_text="What is missing to that.")
    grace_until = serializers.DateTimeField(allow_null=True, help_text="Before this the level does not fall.")
    held = serializers.ChoiceField([h.value for h in Hold], help_text="Staff keep the level: forced or frozen.")
    held_until = serializers.DateTimeField(allow_null=True)


class PointsEntrySerializer(serializers.Serializer):
    """One line of the points ledger: by what it moved the balance and what is set aside, and both after it."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    points = serializers.IntegerField()
    held = serializers.IntegerField()
    balance_after = serializers.IntegerField()
    held_after = serializers.IntegerField()
    reference = serializers.CharField()
    occurred_at = serializers.DateTimeField()


class AccrualSerializer(serializers.Serializer):
    """What one bet or deposit earned, exactly, and by what; a rollback has its bet's figures, below zero."""

    id = serializers.UUIDField()
    bet_id = serializers.UUIDField()
    kind = serializers.CharField()
    turnover_eur = ExactDecimalField()
    coefficient = ExactDecimalField()
    multiplier = ExactDecimalField()
    promotion = ExactDecimalField()
    earned = ExactDecimalField()
    occurred_at = serializers.DateTimeField()


class LevelChangeSerializer(serializers.Serializer):
    """A level moved."""

    id = serializers.UUIDField()
    from_level = serializers.CharField()
    to_level = serializers.CharField()
    cause = serializers.CharField()
    turnover_eur = ExactDecimalField()
    changed_at = serializers.DateTimeField()


class LevelOrderSerializer(serializers.Serializer):
    """Staff, or a system, keep a player's level."""

    id = serializers.UUIDField()
    player_id = serializers.UUIDField()
    kind = serializers.CharField()
    level = serializers.CharField()
    active_until = serializers.DateTimeField(allow_null=True)
    ordered_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class StatusUpdateSerializer(serializers.Serializer):
    """What is done to a player's level: force it to ``level``, freeze it where it is, or end either."""

    player_id = serializers.UUIDField()
    action = serializers.ChoiceField(["force", "freeze", "end"])
    level = serializers.CharField(max_length=20, required=False, default="", help_text="Of force: the level's code.")
    active_until = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Empty: until it is ended."
    )
    reason = serializers.CharField(max_length=300)
