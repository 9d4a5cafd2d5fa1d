"""Forms of players on the wire."""

from __future__ import annotations

from dataclasses import replace

from rest_framework import serializers

from kernel.rest.pagination import PageQuery
from kernel.rest.serializers import StrictSerializer, choice
from players.types import (
    CONFIDENTIAL,
    PUBLIC_RESTRICTION_KINDS,
    ConfirmStatus,
    PlayerAction,
    RestrictionDetails,
    RestrictionKind,
    RiskLevel,
    Status,
    public_reason,
)


class PlayerSerializer(serializers.Serializer):
    """A player's account and profile; personal data is shortened in lists, and without `players:personal`."""

    id = serializers.UUIDField()
    login = serializers.CharField()
    email = serializers.CharField()  # shortened, it is no address
    phone = serializers.CharField(help_text="E.164, or empty.")
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    birth_date = serializers.DateField(allow_null=True)
    birth_name = serializers.CharField()
    birth_place = serializers.CharField()
    city = serializers.CharField()
    postcode = serializers.CharField()
    country = serializers.CharField(help_text="ISO 3166-1 alpha-2.")
    region = serializers.CharField(help_text="ISO 3166-2 after the dash; empty where the whole country has one law.")
    currency = serializers.CharField(help_text="ISO 4217; never changes.")
    language = serializers.CharField()
    time_zone = serializers.CharField()
    status = choice(Status)
    confirm_status = choice(ConfirmStatus)
    risk_level = choice(RiskLevel)
    source = serializers.CharField()  # type: ignore[assignment]
    registered_at = serializers.DateTimeField()


class RegistrationForm(StrictSerializer):
    """What opens an account. The service checks the values; here only their types and lengths."""

    email = serializers.CharField(max_length=254)
    login = serializers.CharField(max_length=32)
    country = serializers.CharField(max_length=2)
    region = serializers.CharField(max_length=3, allow_blank=True, required=False)
    currency = serializers.CharField(max_length=3)
    phone = serializers.CharField(max_length=40, allow_blank=True, required=False)
    first_name = serializers.CharField(max_length=100, allow_blank=True, required=False)
    last_name = serializers.CharField(max_length=100, allow_blank=True, required=False)
    birth_date = serializers.DateField(allow_null=True, required=False)
    birth_name = serializers.CharField(max_length=100, allow_blank=True, required=False)
    birth_place = serializers.CharField(max_length=100, allow_blank=True, required=False)
    street = serializers.CharField(max_length=100, allow_blank=True, required=False)
    national_id = serializers.CharField(max_length=40, allow_blank=True, required=False)
    occupation = serializers.CharField(max_length=100, allow_blank=True, required=False)
    affirmed = serializers.BooleanField(required=False, help_text="The person said that what they gave is right.")
    declares = serializers.ListField(
        child=serializers.CharField(max_length=40),
        max_length=10,
        required=False,
        help_text="Groups that may not play where the person lives, and that the person said to belong to.",
    )
    city = serializers.CharField(max_length=100, allow_blank=True, required=False)
    postcode = serializers.CharField(max_length=20, allow_blank=True, required=False)
    language = serializers.CharField(max_length=6, required=False)
    time_zone = serializers.CharField(max_length=50, required=False)
    source = serializers.CharField(max_length=80, allow_blank=True, required=False)  # type: ignore[assignment]


class SettingsForm(StrictSerializer):
    """What may be changed of a player; what is left out stays."""

    phone = serializers.CharField(max_length=40, allow_blank=True, required=False)
    first_name = serializers.CharField(max_length=100, allow_blank=True, required=False)
    last_name = serializers.CharField(max_length=100, allow_blank=True, required=False)
    birth_date = serializers.DateField(required=False)
    birth_name = serializers.CharField(max_length=100, allow_blank=True, required=False)
    birth_place = serializers.CharField(max_length=100, allow_blank=True, required=False)
    city = serializers.CharField(max_length=100, allow_blank=True, required=False)
    postcode = serializers.CharField(max_length=20, allow_blank=True, required=False)
    street = serializers.CharField(max_length=100, allow_blank=True, required=False)
    national_id = serializers.CharField(max_length=40, allow_blank=True, required=False)
    country = serializers.CharField(max_length=2, required=False)
    region = serializers.CharField(max_length=3, allow_blank=True, required=False)
    language = serializers.CharField(max_length=6, required=False)
    time_zone = serializers.CharField(max_length=50, required=False)


class PlayersQuery(PageQuery):
    status = choice(Status, required=False)
    country = serializers.CharField(max_length=2, required=False)
    email = serializers.CharField(max_length=254, required=False)
    login = serializers.CharField(max_length=32, required=False)
    phone = serializers.CharField(max_length=20, required=False, help_text="E.164, such as +4915112345678.")


class NationalIdForm(StrictSerializer):
    national_id = serializers.CharField(max_length=40)
    country = serializers.CharField(max_length=2, help_text="Whose number it is; ISO 3166-1 alpha-2.")


class AsOfQuery(StrictSerializer):
    at = serializers.DateTimeField(default=None, help_text="A moment in the past; without it, now.")


class StatusForm(StrictSerializer):
    status = choice(Status)
    reason = serializers.CharField(max_length=500)


class RestrictionSerializer(serializers.Serializer):
    """What an account may not do, why, and since and until when."""

    id = serializers.UUIDField()
    player_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=PUBLIC_RESTRICTION_KINDS)
    blocks = serializers.ListField(child=choice(PlayerAction))
    reason = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    imposed_by = serializers.CharField()
    active_from = serializers.DateTimeField()
    active_until = serializers.DateTimeField(allow_null=True, help_text="Exclusive; null: until lifted.")
    lifted_at = serializers.DateTimeField(allow_null=True)
    lifted_by = serializers.CharField()
    lift_reason = serializers.CharField()

    def to_representation(self, instance: RestrictionDetails) -> dict[str, object]:
        if instance.kind in CONFIDENTIAL:
            instance = replace(instance, kind=public_reason(instance.kind), reason="", source="", lift_reason="")  # type: ignore[arg-type]
        return super().to_representation(instance)


class RestrictionForm(StrictSerializer):
    kind = choice(RestrictionKind)
    reason = serializers.CharField(max_length=500)
    source = serializers.CharField(max_length=40, default="api", help_text="Where it comes from: player, api …")  # type: ignore[assignment]
    active_until = serializers.DateTimeField(allow_null=True, default=None)


class LiftForm(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class LabelSerializer(serializers.Serializer):
    """What another part of the system says of the player, such as ``loyalty`` ``level`` = ``gold``."""

    namespace = serializers.CharField()
    key = serializers.CharField()
    value = serializers.CharField()
    since = serializers.DateTimeField()
