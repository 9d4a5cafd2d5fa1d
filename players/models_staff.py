"""How staff log in: second factors, sessions, identity providers, networks, and what is counted against guessing."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django_otp.models import Device

from kernel.ids import uuid7
from kernel.protection import PersonalData, Protection, Retention
from players.rules_staff import Invalid, check_network
from players.types_staff import DeviceKind, EndReason, Protocol


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in enum]  # type: ignore[attr-defined]


def validate_network(text: str) -> None:
    """Raises: ValidationError."""
    try:
        check_network(text)
    except Invalid as error:
        raise ValidationError(str(error)) from None


class StaffDevice(Device):
    """One second factor of one member of staff: the device class that django-otp asks whether a person is verified.

    Written by services.staff_devices; removed by its owner, or by an administrator who resets the person. ``secret`` is
    encrypted: a TOTP key, a passkey's public credential, or digests of unused recovery codes.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=_choices(DeviceKind))
    secret = models.BinaryField(default=bytes)
    credential_id = models.BinaryField(null=True, unique=True)  # passkeys are found by it
    # The last TOTP step or passkey signature that was taken: the same one is never taken again.
    counter = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        permissions: ClassVar = [("reset_staffdevice", "Takes second factors of staff away, so that they enrol anew")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "kind"],
                condition=models.Q(kind__in=["recovery", "sso"]),
                name="players_staffdevice_one_of_a_kind",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["user"], name="players_staffdevice_user")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class StaffSession(models.Model):
    """One stay of somebody in the back office, from login to its end. Written by services.staff_sessions.

    ``session_key`` names the row of Django's sessions; it is blanked at the end. Kept afterwards for who was here when.
    """

    protection: ClassVar = Protection(
        Retention.FIVE_YEARS, {"ip": PersonalData.PLAIN, "user_agent": PersonalData.PLAIN}
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    session_key = models.CharField(max_length=40, blank=True, default="")
    method = models.CharField(max_length=60)
    break_glass = models.BooleanField(default=False)
    reason = models.TextField(blank=True, default="")
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True, default="")
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    idle_minutes = models.PositiveIntegerField()
    absolute_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=20, choices=_choices(EndReason), blank=True, default="")
    ended_by = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        permissions: ClassVar = [("end_staffsession", "Ends sessions of other members of staff")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session_key"], condition=~models.Q(session_key=""), name="players_staffsession_key_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="players_staffsession_user"),
            models.Index(fields=["user"], condition=models.Q(ended_at=None), name="players_staffsession_living"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class StaffNetwork(models.Model):
    """A network that people of a role may come from. A role without any row may come from everywhere.

    Written in the back office; whoever has several roles has to satisfy each that has networks.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    role = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+")
    network = models.CharField(
        max_length=43,
        validators=[validate_network],
        help_text="An address or a network: 203.0.113.0/24, 2001:db8::/32.",
    )
    note = models.CharField(max_length=120, blank=True, default="", help_text="Such as: the office in Vienna.")

    class Meta:
        verbose_name = "IP allow-list entry"
        verbose_name_plural = "IP allow-lists"
        constraints: ClassVar = [models.UniqueConstraint(fields=["role", "network"], name="players_staffnetwork_once")]

    def __str__(self) -> str:
        return f"{self.role} {self.network}"


class IdentityProvider(models.Model):
    """A server that logs staff in by single sign-on, by OIDC or SAML. Written in the back office; never deleted.

    ``parameters`` are what the protocol's library takes (docs/operators/single-sign-on.md); ``secret`` is encrypted.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    slug = models.CharField(
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9-]+\Z", "Use small letters, digits and hyphens.")],
        help_text="Part of the addresses that the provider is told. It does not change afterwards.",
    )
    name = models.CharField(max_length=40, help_text="What the button on the login page says.")
    protocol = models.CharField(max_length=20, choices=[("openid_connect", "OIDC"), ("saml", "SAML")])
    active = models.BooleanField(default=True)
    client_id = models.CharField(max_length=190, blank=True, default="", help_text="OIDC only.")
    secret = models.BinaryField(default=bytes)
    parameters = models.JSONField(default=dict, blank=True)
    groups_claim = models.CharField(
        max_length=120, default="groups", help_text="The claim or attribute whose values are mapped to roles."
    )
    mfa_contexts = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Values of amr, acr or AuthnContextClassRef that stand for a second factor, separated by commas.",
    )

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> Protocol:
        return Protocol(self.protocol)


class RoleMapping(models.Model):
    """People of whom an identity provider says ``group`` get ``role``. Written in the back office.

    At each login the roles become exactly those that are mapped: whoever lost the group has lost the role.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="mappings")
    group = models.CharField(max_length=200)
    role = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "group", "role"], name="players_rolemapping_once"),
        ]

    def __str__(self) -> str:
        return f"{self.group} → {self.role}"


class StaffIdentity(models.Model):
    """A person's identity at an identity provider, joined to their staff account. Made at the first login; never changes.

    ``subject`` is the provider's own id of the person: an email address joins nothing.
    """

    protection: ClassVar = Protection(Retention.ACCOUNT_LIFE)

    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    joined_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "subject"], name="players_staffidentity_once"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.subject}"


class UsedAssertion(models.Model):
    """A SAML assertion that somebody has logged in with: it is refused when it comes again. Dropped once it is expired.

    Written by services.staff_sso; never changes.
    """

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="+")
    assertion_id = models.CharField(max_length=255)
    used_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "assertion_id"], name="players_usedassertion_once"),
        ]

    def __str__(self) -> str:
        return self.assertion_id


class LoginCounter(models.Model):
    """Attempts against one account, address or second factor within one window. Written by services.staff_throttling.

    ``key`` is a digest: the table does not say which logins were tried, and is full of nothing when strangers try many.
    """

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    key = models.BinaryField(primary_key=True, max_length=32)
    attempts = models.PositiveIntegerField()
    window_until = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["window_until"], name="players_logincounter_until")]

    def __str__(self) -> str:
        return f"{self.attempts} until {self.window_until}"


class BreakGlassAccount(models.Model):
    """Says of a staff account that it is for emergencies: its password lies sealed, and its use raises an alarm.

    Written by ``manage.py break_glass``; ``sealed_at`` is when the password was last made.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, primary_key=True, related_name="+")
    sealed_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.user_id)


class StaffReset(models.Model):
    """Somebody made this account, set its password or took its second factors away, and so could log in as its owner.

    Written by services.staff_resets; never changes. For a while the two do not count as two people
    (selectors_staff.list_hands); dropped after that.
    """

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reset_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.user_id} by {self.by_id}"
