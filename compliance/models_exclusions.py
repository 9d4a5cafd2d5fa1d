"""Exclusions, requests to end them, and what registers answered."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from compliance.types_exclusion import EndRequestState, ExclusionKind, RegisterMoment, RegisterOutcome
from kernel.ids import uuid7
from kernel.protection import PersonalData, Protection, Retention


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in enum]  # type: ignore[attr-defined]


class Exclusion(models.Model):
    """A player is kept from playing from ``active_from`` until ``active_until`` (exclusive; None: until ``ended_at``).

    Written by services.exclusions beside the restriction of players that carries it out (``restriction_id``); what was
    chosen never changes, only the end and the closing are added. ``minimum_until``: its end is not heard before then.
    ``close_due_at``: by then the account is closed and its balance on its way to the player; ``closed_at``: done.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=_choices(ExclusionKind))
    term = models.CharField(max_length=12)
    reason = models.TextField(blank=True, default="")
    ground = models.CharField(max_length=40, blank=True, default="")
    pack = models.CharField(max_length=60)
    imposed_by = models.CharField(max_length=120)
    restriction_id = models.UUIDField()
    active_from = models.DateTimeField()
    minimum_until = models.DateTimeField(null=True, blank=True)
    active_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=120, blank=True, default="")
    end_reason = models.TextField(blank=True, default="")
    register = models.CharField(max_length=40, blank=True, default="")
    reply_id = models.CharField(max_length=120, blank=True, default="")
    close_due_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "exclusion"
        default_permissions: ClassVar[Any] = ["view"]
        permissions: ClassVar = [
            ("exclude_player", "Excludes players: for others, or by the operator's decision"),
            ("decide_end_request", "Decides whether exclusions end"),
            ("check_register", "Asks a national register about a player"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="compliance_exclusion_player"),
            models.Index(
                fields=["active_until"],
                condition=models.Q(ended_at=None, active_until__isnull=False),
                name="compliance_exclusion_ends",
            ),
            models.Index(
                fields=["close_due_at"],
                condition=models.Q(closed_at=None, close_due_at__isnull=False),
                name="compliance_exclusion_close",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.player_id}"


class EndRequest(models.Model):
    """Somebody asked to end an exclusion. Decided once, by the pack's rule or a person; an accepted one takes effect later.

    Written by services.exclusion_ends. ``done_at``: the exclusion ended by it.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    exclusion = models.ForeignKey(Exclusion, on_delete=models.PROTECT, related_name="+")
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(blank=True, default="")
    state = models.CharField(max_length=10, choices=_choices(EndRequestState), default=EndRequestState.OPEN.value)
    requested_by = models.CharField(max_length=120)
    requested_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=120, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    comment = models.TextField(blank=True, default="")
    takes_effect_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "request to end an exclusion"
        verbose_name_plural = "requests to end exclusions"
        default_permissions: ClassVar[Any] = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["exclusion"], condition=models.Q(state="open"), name="compliance_endrequest_one_open"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["exclusion", "-id"], name="compliance_endrequest_of"),
            models.Index(
                fields=["takes_effect_at"],
                condition=models.Q(state="accepted", done_at=None),
                name="compliance_endrequest_due",
            ),
        ]

    def __str__(self) -> str:
        return f"request to end {self.exclusion_id}"


class RegisterCheck(models.Model):
    """One question to an exclusion register and its answer, with the register's own id of the reply. Never changes.

    Written by services.registers. ``player`` is None where the account did not exist yet (RegistrationCheck says which one
    was opened); ``person`` is a keyed hash of whom it was about, which only shows that two checks meant the same person.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS, {"person": PersonalData.SEALED})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", null=True, on_delete=models.PROTECT, related_name="+")
    person = models.BinaryField(max_length=32)
    register = models.CharField(max_length=40)
    moment = models.CharField(max_length=12, choices=_choices(RegisterMoment))
    outcome = models.CharField(max_length=8, choices=_choices(RegisterOutcome))
    reply_id = models.CharField(max_length=120, blank=True, default="")
    listed_until = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True, default="")
    milliseconds = models.PositiveIntegerField()
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name = "register check"
        default_permissions: ClassVar[Any] = ["view"]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="compliance_registercheck_of"),
            models.Index(fields=["person"], condition=models.Q(player=None), name="compliance_registercheck_new"),
        ]

    def __str__(self) -> str:
        return f"{self.register}: {self.outcome}"


class RegistrationCheck(models.Model):
    """The account that was opened after a register had been asked. Written once by services.registers."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    asked = models.OneToOneField(RegisterCheck, primary_key=True, on_delete=models.PROTECT, related_name="registration")
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions: ClassVar[Any] = []

    def __str__(self) -> str:
        return str(self.asked_id)
