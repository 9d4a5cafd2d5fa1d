"""How players log in: their devices, sessions, attempts, what protects the account, and their consents."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.ids import uuid7
from kernel.protection import PersonalData, Protection, Retention
from players.types_identity import AttemptOutcome, ConsentChannel, ConsentProduct, EndReason


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in enum]  # type: ignore[attr-defined]


class Device(models.Model):
    """A browser or app that one player has logged in from, known by a token that it keeps. Written at login.

    While ``trusted_until`` lies ahead no second factor is asked there; every change of password or factors clears it.
    """

    protection: ClassVar = Protection(Retention.ACCOUNT_LIFE, {"name": PersonalData.PLAIN})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    token_hash = models.BinaryField(max_length=32)
    name = models.CharField(max_length=80)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    trusted_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["player", "token_hash"], name="players_device_token_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["token_hash"], name="players_device_shared")]

    def __str__(self) -> str:
        return f"{self.name} {self.player_id}"


class Session(models.Model):
    """One login of a player, from its start until it ended. Written by players.services.sessions; kept afterwards.

    ``refresh_id`` names the only refresh token that is good now. ``store_key`` (sealed) is the session that allauth
    keeps its own state in. Access tokens carry the row's id.
    """

    protection: ClassVar = Protection(
        Retention.ACCOUNT_LIFE,
        {"ip": PersonalData.PLAIN, "place": PersonalData.PLAIN, "user_agent": PersonalData.PLAIN},
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    ip = models.GenericIPAddressField(null=True)
    place = models.CharField(max_length=120, blank=True, default="")
    user_agent = models.CharField(max_length=400, blank=True, default="")
    methods = models.CharField(max_length=120, blank=True, default="")
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=24, blank=True, default="", choices=_choices(EndReason))
    refresh_id = models.UUIDField(null=True)
    store_key = models.BinaryField()

    class Meta:
        permissions: ClassVar = [("end_session", "Ends players' sessions")]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="players_session_history"),
            models.Index(fields=["player"], condition=models.Q(ended_at=None), name="players_session_open"),
            models.Index(fields=["expires_at"], condition=models.Q(ended_at=None), name="players_session_expiry"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class LoginAttempt(models.Model):
    """A login that came to nothing. ``player`` is empty where no account has that name. Written once, pruned in time."""

    protection: ClassVar = Protection(
        Retention.OPERATIONAL,
        {"ip": PersonalData.PLAIN, "place": PersonalData.PLAIN, "user_agent": PersonalData.PLAIN},
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", null=True)
    outcome = models.CharField(max_length=16, choices=_choices(AttemptOutcome))
    ip = models.GenericIPAddressField(null=True)
    place = models.CharField(max_length=120, blank=True, default="")
    user_agent = models.CharField(max_length=400, blank=True, default="")
    attempted_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["player", "-id"], name="players_attempt_history")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.player_id}"


class Security(models.Model):
    """What protects one account beside what allauth keeps. Written by players.services; a missing row means nothing set.

    The phone counts as verified while ``verified_phone`` equals the profile's. ``totp_step`` is the last time step whose
    code was taken: a code works once.
    """

    protection: ClassVar = Protection(Retention.ACCOUNT_LIFE, {"verified_phone": PersonalData.PLAIN})

    player = models.OneToOneField("players.Player", on_delete=models.PROTECT, primary_key=True, related_name="+")
    verified_phone = models.CharField(max_length=20, blank=True, default="")
    phone_verified_at = models.DateTimeField(null=True, blank=True)
    sms_factor_since = models.DateTimeField(null=True, blank=True)
    totp_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.player_id)


class Consent(models.Model):
    """One answer of a player to one marketing question; the newest of a product and channel holds. Never changes."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    product = models.CharField(max_length=16, choices=_choices(ConsentProduct))
    channel = models.CharField(max_length=12, choices=_choices(ConsentChannel))
    granted = models.BooleanField()
    text_version = models.CharField(max_length=40)
    source = models.CharField(max_length=40)
    given_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["player", "product", "channel", "-id"], name="players_consent_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.channel} {self.granted}"


class SandboxMessage(models.Model):
    """A text message that the sandbox took instead of sending it. Written by its sender, read by people; pruned in time."""

    protection: ClassVar = Protection(Retention.OPERATIONAL, {"phone": PersonalData.PLAIN, "text": PersonalData.PLAIN})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    phone = models.CharField(max_length=20)
    text = models.CharField(max_length=480)
    sent_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["phone", "-id"], name="players_sms_by_phone")]

    def __str__(self) -> str:
        return str(self.id)
