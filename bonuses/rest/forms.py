"""Forms of bonuses on the wire."""

from __future__ import annotations

from typing import Any

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bonuses.rules_terms import describe, summary, title_of
from bonuses.types import GrantDetails, GrantState, OfferDetails, OfferState, VersionDetails, VersionState
from kernel.rest.serializers import AmountField, StrictSerializer, choice

MAX_CODES = 10_000
MAX_PLAYERS = 10_000


@extend_schema_field(OpenApiTypes.OBJECT)
class RuleField(serializers.Field[Any, Any, Any, Any]):
    """A rule as JSON: its fields are in docs/integrators/bonuses.md."""

    def to_internal_value(self, data: Any) -> bytes:
        if not isinstance(data, dict):
            raise serializers.ValidationError("Give the rule as an object.")
        return msgspec.json.encode(data)

    def to_representation(self, value: Any) -> Any:
        return msgspec.to_builtins(value)


class BonusOfferVersionSerializer(serializers.Serializer[VersionDetails]):
    """One version of an offer; ``rule`` is whole, ``terms`` its sentences in English."""

    id = serializers.UUIDField()
    offer = serializers.CharField()
    number = serializers.IntegerField()
    state = choice(VersionState)
    rule = RuleField()
    terms = serializers.SerializerMethodField()
    digest = serializers.CharField()
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    released_at = serializers.DateTimeField(allow_null=True)

    def get_terms(self, row: VersionDetails) -> list[str]:
        return describe(row.rule, "en")


class BonusOfferSerializer(serializers.Serializer[OfferDetails]):
    """An offer. ``live`` is the version in force; ``summary`` says it in a sentence."""

    code = serializers.CharField()
    name = serializers.CharField()
    state = choice(OfferState)
    summary = serializers.SerializerMethodField()
    live = BonusOfferVersionSerializer(allow_null=True)

    def get_summary(self, row: OfferDetails) -> str:
        return summary(row.live.rule) if row.live else ""


class BonusOfferForm(StrictSerializer):
    name = serializers.CharField(max_length=120)
    rule = RuleField()
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class BonusReasonForm(StrictSerializer):
    reason = serializers.CharField(max_length=300)


class BonusOffersQuery(StrictSerializer):
    state = choice(OfferState, required=False)


class BonusWageringSerializer(serializers.Serializer[Any]):
    """How far it is wagered, in money; ``percent`` is 100 only when it is done."""

    required = serializers.CharField()  # type: ignore[assignment]
    wagered = serializers.CharField()
    left = serializers.CharField()
    percent = serializers.IntegerField()
    breaches = serializers.IntegerField()


class BonusSerializer(serializers.Serializer[GrantDetails]):
    """One bonus of a player. ``outcome`` is what of it became real money; null while it is open."""

    id = serializers.UUIDField()
    player_id = serializers.UUIDField()
    offer = serializers.CharField()
    version = serializers.IntegerField()
    state = choice(GrantState)
    occasion = serializers.CharField()
    kind = serializers.CharField()
    amount = serializers.CharField()
    currency = serializers.SerializerMethodField()
    spins = serializers.IntegerField()
    purse_id = serializers.UUIDField(allow_null=True)
    spins_purse_id = serializers.UUIDField(allow_null=True)
    wagering = BonusWageringSerializer(allow_null=True)
    granted_at = serializers.DateTimeField()
    claim_until = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    ended_by = serializers.CharField()
    outcome = serializers.CharField(allow_null=True)

    def get_currency(self, row: GrantDetails) -> str:
        return row.amount.currency


class BonusForm(StrictSerializer):
    player_id = serializers.UUIDField()
    offer = serializers.CharField(max_length=60)
    base = AmountField(required=False, help_text="The deposit or net loss that the award is a part of.")


class BonusForfeitForm(StrictSerializer):
    reason = serializers.CharField(max_length=300)


class BonusEligibilityQuery(StrictSerializer):
    offer = serializers.CharField(max_length=60)


class BonusReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    text = serializers.CharField()


class BonusEligibilitySerializer(serializers.Serializer[Any]):
    """Whether the player would get the offer now; compliance is asked when it is given."""

    eligible = serializers.BooleanField()
    reasons = BonusReasonSerializer(many=True)


class BonusCodesForm(StrictSerializer):
    """Made at random (``size``), or given (``codes``)."""

    offer = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=120)
    size = serializers.IntegerField(required=False, min_value=1)
    prefix = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    codes = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=MAX_CODES)
    player_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    uses_per_code = serializers.IntegerField(required=False, default=1, min_value=0)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("size" in attrs) == ("codes" in attrs):
            raise serializers.ValidationError({"size": ["Give either size or codes."]})
        return attrs


class CodeBatchSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    offer = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    uses_per_code = serializers.IntegerField()
    expires_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    made_at = serializers.DateTimeField()


class BonusListForm(StrictSerializer):
    offer = serializers.CharField(max_length=60)
    note = serializers.CharField(max_length=300)
    players = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MAX_PLAYERS)


class BonusListSerializer(serializers.Serializer[Any]):
    """How far a list has come."""

    id = serializers.UUIDField()
    offer = serializers.CharField()
    note = serializers.CharField()
    size = serializers.IntegerField()
    given = serializers.IntegerField()
    refused = serializers.IntegerField()
    left = serializers.IntegerField()
    asked_at = serializers.DateTimeField()


class MyBonusCodeForm(StrictSerializer):
    code = serializers.CharField(max_length=60)


class BonusCodeAnswerSerializer(serializers.Serializer[Any]):
    """The bonus that the code brought; or, where it is a part of a deposit, until when it waits for one."""

    grant = BonusSerializer(allow_null=True)
    waits_until = serializers.DateTimeField(allow_null=True)


class MyBonusOfferSerializer(serializers.Serializer[Any]):
    """What is offered to everybody and the player would get: title and all terms, in the player's language."""

    code = serializers.CharField()
    title = serializers.CharField()
    terms = serializers.ListField(child=serializers.CharField())


class MyBonusSerializer(BonusSerializer):
    """One's own bonus, with its title and all its terms."""

    language = "en"
    title = serializers.SerializerMethodField()
    terms = serializers.SerializerMethodField()

    def get_title(self, row: GrantDetails) -> str:
        return title_of(row.rule, self.language)

    def get_terms(self, row: GrantDetails) -> list[str]:
        return describe(row.rule, self.language, row.amount.currency)


def my_grant_in(language: str) -> type[MyBonusSerializer]:
    """The same in a player's language."""
    return type("MyBonusSerializer", (MyBonusSerializer,), {"language": language})
