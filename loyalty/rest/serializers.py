"""Forms of loyalty on the wire. Amounts of turnover are in EUR."""

from __future__ import annotations

import msgspec
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from kernel.rest.serializers import ExactDecimalField
from loyalty.rules_words import describe
from loyalty.types import (
    CatalogueItem,
    Hold,
    ProgrammeVersionDetails,
    RedemptionDetails,
    RedemptionState,
    VersionState,
)


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


class ProgrammeVersionSerializer(serializers.Serializer):
    """A version of a programme: its rule, whole, and in words. In force from ``active_from`` on, where it is released."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField([s.value for s in VersionState])
    active_from = serializers.DateTimeField(allow_null=True)
    rule = serializers.SerializerMethodField()
    in_words = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DictField())
    def get_rule(self, row: ProgrammeVersionDetails) -> dict[str, object]:
        found: dict[str, object] = msgspec.to_builtins(row.rule)
        return found

    def get_in_words(self, row: ProgrammeVersionDetails) -> list[str]:
        return describe(row.rule)


class ProgrammeSerializer(serializers.Serializer):
    """A programme: its stable code and its name."""

    code = serializers.CharField()
    name = serializers.CharField()


class AddPointsSerializer(serializers.Serializer):
    """Points that are given (or taken, below zero). ``reason`` is a code of yours, such as "quest"."""

    player_id = serializers.UUIDField()
    points = serializers.IntegerField(min_value=-(10**9), max_value=10**9)
    reason = serializers.CharField(max_length=60)


class CatalogueItemSerializer(serializers.Serializer):
    """What points buy: ``points`` a step, worth ``value`` (null: free spins). ``affordable`` steps are possible now."""

    code = serializers.CharField()
    name = serializers.CharField()
    points = serializers.IntegerField()
    value = serializers.CharField(allow_null=True)
    currency = serializers.SerializerMethodField()
    min_steps = serializers.IntegerField()
    max_steps = serializers.IntegerField()
    affordable = serializers.IntegerField()
    waits_for_staff_from = serializers.IntegerField(allow_null=True, help_text="Points from which staff confirm it.")

    def get_currency(self, row: CatalogueItem) -> str | None:
        return row.value.currency if row.value else None


class RedeemSerializer(serializers.Serializer):
    """Which item, and how many steps of it."""

    item = serializers.CharField(max_length=40)
    steps = serializers.IntegerField(min_value=1, max_value=10_000)


class RedemptionSerializer(serializers.Serializer):
    """Points for a bonus. ``why`` is what stood against it where the points are back: codes."""

    id = serializers.UUIDField()
    player_id = serializers.UUIDField()
    item = serializers.CharField()
    steps = serializers.IntegerField()
    points = serializers.IntegerField()
    worth = serializers.CharField(allow_null=True, help_text="Null: free spins.")
    currency = serializers.SerializerMethodField()
    state = serializers.ChoiceField([s.value for s in RedemptionState])
    why = serializers.CharField()
    grant_id = serializers.UUIDField(allow_null=True)
    requested_at = serializers.DateTimeField()
    decide_until = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)

    def get_currency(self, row: RedemptionDetails) -> str | None:
        return row.worth.currency if row.worth else None


class RejectRedemptionSerializer(serializers.Serializer):
    """Why the points are given back."""

    reason = serializers.CharField(max_length=300)
