"""Accounts and what hangs on them."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Index
from django.db.models.functions import ExtractDay, ExtractMonth, Lower

from kernel.ids import uuid7
from kernel.protection import PersonalData, Protection, Retention
from players.models_identity import (  # noqa: F401  (Django looks here)
    Consent,
    Device,
    LoginAttempt,
    SandboxMessage,
    Security,
    Session,
)
from players.types import ConfirmStatus, RestrictionKind, RiskLevel, Status, UserKind

models.CharField.register_lookup(Lower)


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in enum]  # type: ignore[attr-defined]


class User(AbstractUser):
    """A person who can log in: a player or a member of staff, never both. Written by registration and by staff setup.

    ``username`` is the login. Never deleted: audit and history name it.
    """

    protection: ClassVar = Protection(
        Retention.ACCOUNT_LIFE,
        {
            "username": PersonalData.PLAIN,
            "email": PersonalData.PLAIN,
            "first_name": PersonalData.PLAIN,
            "last_name": PersonalData.PLAIN,
        },
    )

    kind = models.CharField(max_length=6, choices=_choices(UserKind), default=UserKind.STAFF.value)

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(kind="player") | models.Q(is_staff=False, is_superuser=False),
                name="players_user_is_player_or_staff",
            ),
            models.UniqueConstraint(fields=["email"], name="players_user_email_once", condition=~models.Q(email="")),
        ]
        indexes: ClassVar = [
            Index(OpClass("email", name="text_pattern_ops"), name="players_user_email_prefix"),
            # Staff are few among very many: their list must not walk through the players.
            Index(fields=["username"], condition=models.Q(kind="staff"), name="players_user_staff"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.casefold()
        super().save(*args, **kwargs)


class Player(models.Model):
    """One player's account. Written by players.services; ``currency`` and ``registered_at`` never change.

    What the account may not do now is not here: see Restriction.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    country = models.CharField(max_length=2)
    region = models.CharField(
        max_length=3, blank=True, default=""
    )  # ISO 3166-2 after the dash, where a country has several laws
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=6, default="en")
    time_zone = models.CharField(max_length=50, default="UTC")
    status = models.CharField(max_length=10, choices=_choices(Status), default=Status.ACTIVE.value)
    confirm_status = models.CharField(
        max_length=15, choices=_choices(ConfirmStatus), default=ConfirmStatus.UNVERIFIED.value
    )
    risk_level = models.CharField(max_length=10, choices=_choices(RiskLevel), default=RiskLevel.LOW.value)
    source = models.CharField(max_length=80, blank=True, default="")
    registered_at = models.DateTimeField()

    class Meta:
        permissions: ClassVar = [
            ("view_personal_data", "Sees names, email, phone and birth date unmasked"),
            ("change_player_status", "Suspends, closes and reopens accounts"),
            ("care_for_player", "Has the player in their portfolio"),
            ("view_portfolios", "Sees who cares for which VIP"),
            ("assign_portfolio", "Gives players to VIP managers, and takes them away"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-registered_at", "-id"], name="players_player_registered"),
            # Who is under whose law is counted on a page, of a million.
            models.Index(fields=["country", "region", "status"], name="players_player_residence"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def player_id(self) -> UUID:
        """Rows of every kind say so whose they are."""
        return self.id


class Profile(models.Model):
    """A player's personal data that stays readable until erasure. Written by players.services with history.

    ``phone`` is E.164. Street and national id stand under the player's own key (SealedDetail), not here.
    """

    protection: ClassVar = Protection(
        Retention.ACCOUNT_LIFE,
        {
            "first_name": PersonalData.PLAIN,
            "last_name": PersonalData.PLAIN,
            "birth_date": PersonalData.PLAIN,
            "birth_name": PersonalData.PLAIN,
            "birth_place": PersonalData.PLAIN,
            "phone": PersonalData.PLAIN,
            "city": PersonalData.PLAIN,
            "postcode": PersonalData.PLAIN,
        },
    )

    player = models.OneToOneField(Player, on_delete=models.PROTECT, primary_key=True, related_name="profile")
    first_name = models.CharField(max_length=100, blank=True, default="")
    last_name = models.CharField(max_length=100, blank=True, default="")
    birth_date = models.DateField(null=True, blank=True)
    birth_name = models.CharField(max_length=100, blank=True, default="")
    birth_place = models.CharField(max_length=100, blank=True, default="")
    phone = models.CharField(max_length=20, blank=True, default="")
    city = models.CharField(max_length=100, blank=True, default="")
    postcode = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["phone"], name="players_profile_phone_once", condition=~models.Q(phone="")),
        ]
        indexes: ClassVar = [
            GinIndex(
                OpClass(Lower("last_name"), name="gin_trgm_ops"),
                OpClass(Lower("first_name"), name="gin_trgm_ops"),
                name="players_profile_names",
            ),
            models.Index(fields=["birth_date"], name="players_profile_born"),  # who could be the same person
            models.Index(ExtractMonth("birth_date"), ExtractDay("birth_date"), name="players_profile_birthday"),
        ]

    def __str__(self) -> str:
        return str(self.player_id)


class Restriction(models.Model):
    """Something an account may not do from ``active_from`` until ``active_until`` (exclusive; None: until lifted).

    Imposed and lifted by players.services; ``blocks`` is written once from rules.BLOCKS and read by the posting function.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=24, choices=_choices(RestrictionKind))
    blocks = ArrayField(models.CharField(max_length=12))
    reason = models.TextField()
    source = models.CharField(max_length=40)
    imposed_by = models.CharField(max_length=120)
    active_from = models.DateTimeField()
    active_until = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=120, blank=True, default="")
    lift_reason = models.TextField(blank=True, default="")

    class Meta:
        permissions: ClassVar = [
            ("impose_restriction", "Imposes restrictions"),
            ("lift_restriction", "Lifts restrictions"),
            ("view_aml_reason", "Sees why a money-laundering hold stands"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player"], condition=models.Q(lifted_at=None), name="players_restriction_standing"),
            models.Index(fields=["player", "-active_from"], name="players_restriction_history"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.player_id}"


class Label(models.Model):
    """What higher floors tell lower ones of a player: ``loyalty.level = gold``. One value per namespace and key.

    Written through players.services.labels by the app that owns the namespace; changes are events.
    """

    protection: ClassVar = Protection(Retention.ACCOUNT_LIFE)

    id = models.BigAutoField(primary_key=True)
    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="+")
    namespace = models.CharField(max_length=40)
    key = models.CharField(max_length=60)
    value = models.CharField(max_length=120)
    since = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["player", "namespace", "key"], name="players_label_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["namespace", "key", "value"], name="players_label_value")]

    def __str__(self) -> str:
        return f"{self.namespace}.{self.key}={self.value}"


class LabelChange(models.Model):
    """A label's value from ``since`` on; None: it was taken off. Written with the label; never changes."""

    protection: ClassVar = Protection(Retention.ACCOUNT_LIFE)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="+")
    namespace = models.CharField(max_length=40)
    key = models.CharField(max_length=60)
    value = models.CharField(max_length=120, null=True)  # noqa: DJ001  (None and empty differ)
    since = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["player", "namespace", "key", "since"], name="players_label_history")]

    def __str__(self) -> str:
        return f"{self.namespace}.{self.key}={self.value}"


class SettingChange(models.Model):
    """One change of one profile field, preference or status: who, when, from, to. Written with the change; never changes."""

    protection: ClassVar = Protection(
        Retention.ACCOUNT_LIFE, {"from_value": PersonalData.PLAIN, "to_value": PersonalData.PLAIN}
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey(Player, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=40)
    from_value = models.TextField(blank=True)
    to_value = models.TextField(blank=True)
    reason = models.TextField(blank=True, default="")
    actor = models.CharField(max_length=120)
    changed_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["player", "-id"], name="players_setting_history")]

    def __str__(self) -> str:
        return f"{self.name} {self.player_id}"


# Django finds models here.
from players import models_access, models_reveals, models_risk, models_sealed, models_staff  # noqa: E402, F401
