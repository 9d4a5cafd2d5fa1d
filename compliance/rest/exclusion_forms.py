"""Exclusions on the wire."""

from __future__ import annotations

from rest_framework import serializers

from compliance.types_exclusion import Ending, EndRequestState, ExclusionKind, RegisterMoment, RegisterOutcome
from kernel.rest.pagination import PageQuery
from kernel.rest.serializers import StrictSerializer, choice

OWN_KINDS = [ExclusionKind.PANIC, ExclusionKind.COOLING_OFF, ExclusionKind.SELF]
IMPOSED_KINDS = [*OWN_KINDS, ExclusionKind.THIRD_PARTY, ExclusionKind.OPERATOR]
_TERM = 'A length that the offers name, such as "24h", "30d", "1w", "6mo", "1y" or "indefinite".'


class ExclusionOfferSerializer(serializers.Serializer):
    """What may be chosen. Where ``closed`` only ``terms``, else any length that is not below ``shortest``."""

    kind = choice(ExclusionKind)
    terms = serializers.ListField(child=serializers.CharField())
    closed = serializers.BooleanField()
    shortest = serializers.CharField()
    usual = serializers.CharField(help_text="What holds where no length is named; empty: it must be named.")
    ending = choice(Ending)


class MyExclusionSerializer(serializers.Serializer):
    """One exclusion. ``active_until`` is null where it ends on request only, which is heard from ``minimum_until`` on."""

    id = serializers.UUIDField()
    kind = choice(ExclusionKind)
    term = serializers.CharField()
    active_from = serializers.DateTimeField()
    minimum_until = serializers.DateTimeField(allow_null=True)
    active_until = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class ExclusionSerializer(MyExclusionSerializer):
    """One exclusion, as operators see it. ``close_due_at``: by then the account is to be closed and paid out."""

    player_id = serializers.UUIDField()
    reason = serializers.CharField()
    ground = serializers.CharField()
    pack = serializers.CharField(help_text="Which version of which rules it follows.")
    imposed_by = serializers.CharField()
    end_reason = serializers.CharField()
    register = serializers.CharField()
    reply_id = serializers.CharField(help_text="The register's own id of the answer that led to it.")
    close_due_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)


class MyExclusionForm(StrictSerializer):
    """A break or a self-exclusion."""

    kind = serializers.ChoiceField(choices=[(kind.value, kind.name) for kind in OWN_KINDS])
    term = serializers.CharField(max_length=12, default="", allow_blank=True, help_text=_TERM)
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class ExclusionForm(StrictSerializer):
    """An exclusion for a player: by their own wish, somebody else's, or the operator's decision."""

    player_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[(kind.value, kind.name) for kind in IMPOSED_KINDS])
    term = serializers.CharField(max_length=12, default="", allow_blank=True, help_text=_TERM)
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)
    ground = serializers.CharField(
        max_length=40, default="", allow_blank=True, help_text="The group of ineligible people, where that is why."
    )


class ExclusionsQuery(PageQuery):
    player_id = serializers.UUIDField(required=False)
    standing = serializers.BooleanField(default=False, help_text="Only those in force now.")


class EndRequestForm(StrictSerializer):
    """The wish to end an exclusion; some jurisdictions ask for a reason."""

    reason = serializers.CharField(max_length=1000, default="", allow_blank=True)


class EndRequestSerializer(serializers.Serializer):
    """``due_at``: to be answered by then. ``takes_effect_at``: accepted, the exclusion ends then, not before."""

    id = serializers.UUIDField()
    exclusion_id = serializers.UUIDField()
    state = choice(EndRequestState)
    requested_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    takes_effect_at = serializers.DateTimeField(allow_null=True)


class RegisterCheckSerializer(serializers.Serializer):
    """A question to a national register and its answer."""

    register = serializers.CharField()
    moment = choice(RegisterMoment)
    outcome = choice(RegisterOutcome)
    reply_id = serializers.CharField()
    listed_until = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField()
    milliseconds = serializers.IntegerField()
    asked_at = serializers.DateTimeField()
