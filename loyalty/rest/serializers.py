"""Forms of loyalty on the wire. Amounts of turnover are in EUR."""

from __future__ import annotations

from rest_framework import serializers

from kernel.rest.serializers import ExactDecimalField


class LevelSerializer(serializers.Serializer):
    """One level; ``cashback`` is a fraction (0.02 is 2 %)."""

    code = serializers.CharField()
    name = serializers.CharField()
    order = serializers.IntegerField()
    threshold_eur = ExactDecimalField(help_text="Cumulative turnover that enters the level.")
    multiplier = ExactDecimalField()
    cashback = ExactDecimalField()
    privileges = serializers.ListField(child=serializers.CharField())


class StandingSerializer(serializers.Serializer):
    """Where a player stands; ``to_next_eur`` is the turnover missing to ``next_level``."""

    player_id = serializers.UUIDField()
    level = LevelSerializer()
    level_since = serializers.DateTimeField(allow_null=True)
    points = serializers.IntegerField()
    turnover_eur = ExactDecimalField()
    next_level = LevelSerializer(allow_null=True)
    to_next_eur = ExactDecimalField(allow_null=True)


class PointsEntrySerializer(serializers.Serializer):
    """One line of the points ledger: ``earned`` is exact, ``points`` what it moved the balance by."""

    id = serializers.UUIDField()
    bet_id = serializers.UUIDField()
    kind = serializers.CharField()
    turnover_eur = ExactDecimalField()
    coefficient = ExactDecimalField()
    multiplier = ExactDecimalField()
    earned = ExactDecimalField()
    points = serializers.IntegerField()
    balance_after = serializers.IntegerField()
    occurred_at = serializers.DateTimeField()
