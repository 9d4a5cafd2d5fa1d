"""Forms of the player API on the wire: what players see and say of themselves."""

from __future__ import annotations

from rest_framework import serializers

from kernel.rest.serializers import StrictSerializer, choice
from players.types import PUBLIC_RESTRICTION_KINDS, PlayerAction, Status
from players.types_identity import ConsentChannel, ConsentProduct, EndReason


class MyProfileSerializer(serializers.Serializer):
    """The player's account as they see it."""

    id = serializers.UUIDField()
    login = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField(help_text="E.164, or empty.")
    phone_verified = serializers.BooleanField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    birth_date = serializers.DateField(allow_null=True)
    birth_name = serializers.CharField()
    birth_place = serializers.CharField()
    city = serializers.CharField()
    postcode = serializers.CharField()
    street = serializers.CharField()
    national_id_is_known = serializers.BooleanField(help_text="The number itself is not shown.")
    country = serializers.CharField()
    region = serializers.CharField()
    currency = serializers.CharField()
    language = serializers.CharField()
    time_zone = serializers.CharField()
    status = choice(Status)
    confirm_status = serializers.CharField()
    registered_at = serializers.DateTimeField()


class MyProfileForm(StrictSerializer):
    """What players may change of their profile; email and phone have their own way, with a code."""

    first_name = serializers.CharField(max_length=100, required=False)
    last_name = serializers.CharField(max_length=100, required=False)
    city = serializers.CharField(max_length=100, allow_blank=True, required=False)
    postcode = serializers.CharField(max_length=20, allow_blank=True, required=False)
    street = serializers.CharField(max_length=100, allow_blank=True, required=False)
    national_id = serializers.CharField(max_length=40, allow_blank=True, required=False)


class PreferencesSerializer(serializers.Serializer):
    """How the player likes to be addressed."""

    language = serializers.CharField()
    time_zone = serializers.CharField()


class PreferencesForm(StrictSerializer):
    language = serializers.CharField(max_length=6, required=False)
    time_zone = serializers.CharField(max_length=50, required=False)


class SettingChangeSerializer(serializers.Serializer):
    """One change of a profile field or preference. ``by`` says what kind of actor it was."""

    name = serializers.CharField()
    from_value = serializers.CharField()
    to_value = serializers.CharField()
    by = serializers.SerializerMethodField()
    changed_at = serializers.DateTimeField()

    def get_by(self, row: object) -> str:
        return str(row.actor).partition(":")[0]  # type: ignore[attr-defined]


class ConsentSerializer(serializers.Serializer):
    """Whether the player agrees to be written to about a product by a channel, and how that came about."""

    product = choice(ConsentProduct)
    channel = choice(ConsentChannel)
    granted = serializers.BooleanField()
    text_version = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    given_at = serializers.DateTimeField()


class ConsentAnswerForm(StrictSerializer):
    product = choice(ConsentProduct)
    channel = choice(ConsentChannel)
    granted = serializers.BooleanField()


class ConsentsForm(StrictSerializer):
    """The player's answers; questions that are left out stay as they are."""

    answers = serializers.ListField(child=ConsentAnswerForm(), min_length=1, max_length=60)
    text_version = serializers.CharField(max_length=40, help_text="Which text the player was shown.")


class SessionSerializer(serializers.Serializer):
    """One login. ``place`` is empty when nobody knows it."""

    id = serializers.UUIDField()
    current = serializers.BooleanField()
    device_id = serializers.UUIDField()
    device = serializers.CharField()
    ip = serializers.CharField()
    place = serializers.CharField()
    methods = serializers.ListField(child=serializers.CharField())
    started_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.ChoiceField(choices=["", *EndReason])


class EndedSerializer(serializers.Serializer):
    """How many sessions ended."""

    ended = serializers.IntegerField()


class DeviceSerializer(serializers.Serializer):
    """A device that the player has logged in from."""

    id = serializers.UUIDField()
    current = serializers.BooleanField()
    name = serializers.CharField()
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    trusted_until = serializers.DateTimeField(allow_null=True, help_text="Until then no second factor is asked there.")


class SmsFactorSerializer(serializers.Serializer):
    """Whether a code by SMS is asked for at login, where nothing stronger is set up."""

    enabled = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)


class MyRestrictionSerializer(serializers.Serializer):
    """What the account may not do now. Why is told by people."""

    kind = serializers.ChoiceField(choices=PUBLIC_RESTRICTION_KINDS)
    blocks = serializers.ListField(child=choice(PlayerAction))
    active_from = serializers.DateTimeField()
    active_until = serializers.DateTimeField(allow_null=True)


class RegistrationQuery(StrictSerializer):
    country = serializers.CharField(max_length=2, help_text="ISO 3166-1 alpha-2.")
    region = serializers.CharField(
        max_length=3, default="", help_text="ISO 3166-2 after the dash, where provinces have laws of their own: ON."
    )


class RegistrationFieldsSerializer(serializers.Serializer):
    """What a country asks of people who open an account."""

    country = serializers.CharField()
    region = serializers.CharField()
    required = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]
    minimum_age = serializers.IntegerField()
    affirmation = serializers.BooleanField(help_text="Whether the person must affirm what they gave (`affirmed`).")
    currencies = serializers.ListField(child=serializers.CharField())
