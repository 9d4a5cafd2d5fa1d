"""Play sessions on the wire."""

from __future__ import annotations

from rest_framework import serializers

from compliance.types_sessions import Choice, GameRules, LoginSummary, PlayPosition, StakeTier
from kernel.rest.serializers import StrictSerializer, choice


class PositionSerializer(serializers.Serializer):
    """The session of play that goes on: elapsed time, and real money staked and won; ``net`` is wins less stakes.

    ``started_at`` is null while nobody plays. While ``reality_check_due`` no bet is taken: show the figures, then post the
    player's choice to ``…/reality-check``.
    """

    started_at = serializers.DateTimeField(allow_null=True)
    last_bet_at = serializers.DateTimeField(allow_null=True)
    elapsed_seconds = serializers.IntegerField()
    bets = serializers.IntegerField()
    staked = serializers.CharField()
    won = serializers.CharField()
    net = serializers.CharField()
    currency = serializers.SerializerMethodField()
    reality_check_minutes = serializers.IntegerField(allow_null=True)
    reality_check_due_at = serializers.DateTimeField(allow_null=True)
    reality_check_due = serializers.BooleanField()
    break_until = serializers.DateTimeField(allow_null=True)
    session_limit_minutes = serializers.IntegerField(allow_null=True)

    def get_currency(self, row: PlayPosition) -> str:
        return row.net.currency


class RealityCheckForm(StrictSerializer):
    """What the player chose when they saw where they stand."""

    choice = choice(Choice)


class LoginSummarySerializer(serializers.Serializer):
    """What was staked, won and lost in the last days. While ``due`` no bet is taken."""

    days = serializers.IntegerField()
    since = serializers.DateTimeField()
    staked = serializers.CharField()
    won = serializers.CharField()
    lost = serializers.CharField()
    currency = serializers.SerializerMethodField()
    due = serializers.BooleanField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)

    def get_currency(self, row: LoginSummary) -> str:
        return row.lost.currency


class PlaySettingsForm(StrictSerializer):
    """The player's own choices; what is left out stays. ``reality_check_minutes`` null gives the choice up."""

    reality_check_minutes = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1440)
    stake_tier = choice(StakeTier, required=False)


class PlaySettingsSerializer(serializers.Serializer):
    """What the player has chosen for their own play."""

    reality_check_minutes = serializers.IntegerField(allow_null=True)
    stake_tier = choice(StakeTier)


class ActivitySerializer(serializers.Serializer):
    """``activity_id`` is null where no activity file has to be told."""

    activity_id = serializers.UUIDField(allow_null=True)


class GameRulesSerializer(serializers.Serializer):
    """What games must keep to for this player. ``games_offered`` null: all; a category ``*`` stands for all others."""

    stake_caps = serializers.SerializerMethodField()
    currency = serializers.SerializerMethodField()
    min_cycle_ms = serializers.DictField(child=serializers.IntegerField())
    games_offered = serializers.ListField(child=serializers.CharField(), allow_null=True)
    autoplay = serializers.BooleanField()
    parallel_play = serializers.BooleanField()
    per_player_rtp = serializers.BooleanField()
    reality_check_minutes = serializers.IntegerField(allow_null=True)
    break_minutes = serializers.IntegerField(allow_null=True)
    packs = serializers.CharField()

    def get_stake_caps(self, row: GameRules) -> dict[str, str]:
        return {category: str(cap) for category, cap in row.stake_caps.items()}

    def get_currency(self, row: GameRules) -> str:
        return next((cap.currency for cap in row.stake_caps.values()), "")
