"""Roles beside Django's groups, and which player accounts are staff's own."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class Role(models.Model):
    """What a group of permissions is for, and whether deployment owns it (``shipped``) or the back office.

    Shipped roles are written by ``manage.py roles``; custom ones by services.roles. What it grants stands in the group.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    group = models.OneToOneField(Group, on_delete=models.PROTECT, primary_key=True, related_name="role")
    shipped = models.BooleanField()
    description = models.CharField(max_length=200, blank=True, default="")
    changed_by = models.CharField(max_length=120)
    changed_at = models.DateTimeField()

    class Meta:
        permissions: ClassVar = [
            ("change_staff_roles", "Gives roles to staff"),
            ("approve_role_change", "Approves changes of roles that somebody else asked for"),
        ]

    def __str__(self) -> str:
        return self.group.name


class OwnAccount(models.Model):
    """A player account that belongs to a member of staff, declared by them or found by compliance; they may not touch it.

    Written by services.own_accounts; only its end is added later.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    declared_by = models.CharField(max_length=120)
    declared_at = models.DateTimeField()
    ended_by = models.CharField(max_length=120, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "player"], condition=models.Q(ended_at=None), name="players_own_account_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player"], condition=models.Q(ended_at=None), name="players_own_account_standing")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.player_id}"
