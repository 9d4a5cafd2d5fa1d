"""What surrounds limits: raises that wait, what staff allowed beyond a threshold, prompts answered, reminders sent."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from compliance.types_limits import OPEN_CHANGES, ChangeState, LimitKind, LimitPeriod
from kernel.ids import uuid7
from kernel.protection import Protection, Retention

_OPEN = [state.value for state in OPEN_CHANGES]


class LimitChange(models.Model):
    """A raise or removal of a player's own limit, which waits. Written by services.limit_changes.

    What is asked for never changes: ``amount_minor`` of the player's currency, or ``minutes``; neither for a removal.
    It may take effect from ``eligible_at`` on, once confirmed where that is needed, and until ``expires_at``. The state
    is added to until it is at an end; one is open per player, kind and period.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in LimitKind])
    period = models.CharField(
        max_length=10, blank=True, choices=[(period.value, period.value) for period in LimitPeriod]
    )
    amount_minor = models.BigIntegerField(null=True, blank=True)
    minutes = models.IntegerField(null=True, blank=True)
    state = models.CharField(
        max_length=10,
        choices=[(state.value, state.capitalize()) for state in ChangeState],
        default=ChangeState.WAITING.value,
    )
    needs_confirmation = models.BooleanField()
    requested_by = models.CharField(max_length=120)
    requested_at = models.DateTimeField()
    eligible_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)  # that it waits for the confirmation
    decided_by = models.CharField(max_length=120, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "pending limit"
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [
            ("set_limit", "Sets limits of players, for the casino or for a regulator"),
            ("decide_limitchange", "Talks to players about their limits, and decides on what waits for that"),
            ("request_allowance", "Asks for more room than a pack's threshold leaves"),
            ("approve_allowance", "Approves more room than a pack's threshold leaves"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["player", "kind", "period"],
                condition=models.Q(state__in=_OPEN),
                name="compliance_limitchange_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(amount_minor=None) | models.Q(minutes=None),
                name="compliance_limitchange_amount_or_minutes",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="compliance_limitchange_player"),
            models.Index(
                fields=["eligible_at"], condition=models.Q(state__in=_OPEN), name="compliance_limitchange_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} per {self.period or 'bet'}, {self.state}"


class LimitAllowance(models.Model):
    """More room than a pack's threshold leaves a player: after a talk, a check of means, or an order.

    Written by services.limit_allowances with a second person's approval; ended, never rewritten.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in LimitKind])
    period = models.CharField(
        max_length=10, blank=True, choices=[(period.value, period.value) for period in LimitPeriod]
    )
    amount_minor = models.BigIntegerField()
    granted_by = models.CharField(max_length=120)
    reason = models.TextField()
    active_from = models.DateTimeField()
    active_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions: ClassVar = ["view"]

    def __str__(self) -> str:
        return f"{self.kind} per {self.period}"


class LimitPrompt(models.Model):
    """A player was asked for a limit at ``point`` ("registration", "first_deposit") and said "none" themself.

    Written once by services.limit_prompts; whoever sets a limit answers by that.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    point = models.CharField(max_length=20)
    answered_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = []
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["player", "point"], name="compliance_limitprompt_once"),
        ]

    def __str__(self) -> str:
        return f"{self.point} of {self.player_id}"


class LimitWarning(models.Model):
    """A player was told that play, or the time logged in, reached a part of a limit. Written once by services.play_watch.

    ``limit_id`` is the limit's; of what a pack caps, which has no row, the player's.
    """

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    limit_id = models.UUIDField()
    kind = models.CharField(max_length=20)
    period = models.CharField(max_length=10)
    percent = models.SmallIntegerField()
    warned_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = []
        indexes: ClassVar = [models.Index(fields=["player", "warned_at"], name="compliance_limitwarning_of")]

    def __str__(self) -> str:
        return f"{self.percent} % of {self.kind} per {self.period}"


class LimitReminder(models.Model):
    """The last time that a player was reminded of their limits. One row per player, moved by services.limit_prompts."""

    protection: ClassVar = Protection(Retention.OPERATIONAL)

    player = models.OneToOneField("players.Player", primary_key=True, on_delete=models.PROTECT, related_name="+")
    activity_at = models.DateTimeField(null=True, blank=True)
    no_limit_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return str(self.player_id)
