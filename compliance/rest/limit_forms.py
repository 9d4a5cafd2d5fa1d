"""Limits on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from compliance.services.limit_prompts import POINTS
from compliance.types_limits import ChangeState, LimitKind, LimitPeriod, SetBy
from kernel.money import Money
from kernel.rest.serializers import AmountField, StrictSerializer, choice

_PERIODS = [(period.value, period.name) for period in LimitPeriod]


def _period(**kwargs: Any) -> serializers.ChoiceField:
    text = f"Choose one of: {', '.join(period.value or '(empty)' for period in LimitPeriod)}."
    return serializers.ChoiceField(choices=_PERIODS, error_messages={"invalid_choice": text}, **kwargs)


class LimitForm(StrictSerializer):
    """A limit: ``amount`` and ``currency`` for kinds of money, ``minutes`` for kinds of time, none of them for no limit.

    ``period`` is empty for stake and balance.
    """

    kind = choice(LimitKind)
    period = _period(default="", allow_blank=True)
    amount = AmountField(max_length=24, required=False, help_text="Major units as a decimal string.")
    currency = serializers.CharField(max_length=3, required=False)
    minutes = serializers.IntegerField(min_value=1, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("amount" in attrs) != ("currency" in attrs):
            raise serializers.ValidationError({"currency": ["Amount and currency belong together."]})
        return attrs


class PlayerLimitForm(LimitForm):
    """A limit for a player. ``set_by`` says whose it is: the player's own, as they asked for it on the casino's pages
    (a raise then waits); the casino's (staff); or a regulator's. The latter two need a reason."""

    set_by = serializers.ChoiceField(
        choices=[(one.value, one.name) for one in (SetBy.PLAYER, SetBy.STAFF, SetBy.REGULATOR)],
        default=SetBy.PLAYER.value,
    )
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class PromptForm(StrictSerializer):
    """The player was asked for a limit and wants none."""

    point = serializers.ChoiceField(choices=[(point, point) for point in POINTS])


class LimitsQuery(StrictSerializer):
    at = serializers.DateTimeField(required=False, help_text="As of this moment; without it now.")


class LimitSerializer(serializers.Serializer[Any]):
    """A limit in force. ``amount`` with ``currency``, or ``minutes``."""

    kind = choice(LimitKind)
    period = _period()
    amount = serializers.SerializerMethodField()
    currency = serializers.SerializerMethodField()
    minutes = serializers.IntegerField(allow_null=True)
    set_by = choice(SetBy)
    active_from = serializers.DateTimeField()

    def get_amount(self, row: Any) -> str | None:
        return str(row.amount) if row.amount else None

    def get_currency(self, row: Any) -> str | None:
        return row.amount.currency if row.amount else None


class UsageSerializer(serializers.Serializer[Any]):
    """What binds for one kind and period: the lowest limit, what of it is used, and what is left.

    ``used`` and ``remaining`` are decimal strings of money, or minutes as texts; null where nothing is counted.
    ``resets_at``: the end of a calendar period; of a rolling one, when the oldest counted use leaves it.
    """

    limit = LimitSerializer()
    used = serializers.SerializerMethodField()
    remaining = serializers.SerializerMethodField()
    resets_at = serializers.DateTimeField(allow_null=True)

    def get_used(self, row: Any) -> str | None:
        return _measure(row, row.used)

    def get_remaining(self, row: Any) -> str | None:
        return _measure(row, row.remaining)


class ChangeSerializer(serializers.Serializer[Any]):
    """A raise that waits. Without ``amount`` and ``minutes``: that the limit is lifted.

    From ``eligible_at`` on, and until ``expires_at``, the player may confirm it.
    """

    id = serializers.UUIDField()
    kind = choice(LimitKind)
    period = _period()
    amount = serializers.SerializerMethodField()
    currency = serializers.SerializerMethodField()
    minutes = serializers.IntegerField(allow_null=True)
    state = choice(ChangeState)
    needs_confirmation = serializers.BooleanField()
    requested_at = serializers.DateTimeField()
    eligible_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def get_amount(self, row: Any) -> str | None:
        return str(row.amount) if row.amount else None

    def get_currency(self, row: Any) -> str | None:
        return row.amount.currency if row.amount else None


class LimitOutcomeSerializer(serializers.Serializer[Any]):
    """What became of it: ``limit`` is in force, or ``change`` waits; neither: there is no limit."""

    limit = LimitSerializer(allow_null=True)
    change = ChangeSerializer(allow_null=True)


class OfferSerializer(serializers.Serializer[Any]):
    kind = choice(LimitKind)
    periods = serializers.ListField(child=serializers.CharField(allow_blank=True))


class DemandSerializer(serializers.Serializer[Any]):
    kind = choice(LimitKind)
    period = serializers.CharField(allow_null=True, allow_blank=True, help_text="Null: of any period.")


class LimitsSerializer(serializers.Serializer[Any]):
    """All about a player's limits. ``missing`` must be set before play. ``prompt_due``: the player has to set a deposit
    limit or say that they want none. ``links_at``: where a link to this page must stand."""

    limits = UsageSerializer(many=True)
    changes = ChangeSerializer(many=True)
    missing = DemandSerializer(many=True)
    offered = OfferSerializer(many=True)
    prompt_due = serializers.BooleanField()
    prompt_at = serializers.ListField(child=serializers.CharField())
    links_at = serializers.ListField(child=serializers.CharField())
    time_zone = serializers.CharField(help_text="In which calendar periods begin.")


class HistoryQuery(StrictSerializer):
    at = serializers.DateTimeField()


def _measure(row: Any, value: int | None) -> str | None:
    if value is None:
        return None
    return str(Money(value, row.limit.amount.currency)) if row.limit.amount else str(value)
