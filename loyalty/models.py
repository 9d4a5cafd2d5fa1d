"""Programmes and their versions, and campaigns: what turnover earns. Where players stand is in ``models_standing``, their
points in ``models_points``."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from kernel.ids import uuid7
from kernel.protection import Protection, Retention
from loyalty.models_points import PointsAccount, PointsEntry, Redemption  # noqa: F401  (Django looks for tables here)
from loyalty.models_standing import Accrual, LevelChange, LevelOrder, Standing, TurnoverDay  # noqa: F401
from loyalty.types import VersionState


class Programme(models.Model):
    """A loyalty programme. ``code`` is its stable name and never changes. ``standard`` is there from the start: it is for
    everybody whom no other programme's markets name."""

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    code = models.SlugField(max_length=40, primary_key=True)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField()

    class Meta:
        permissions: ClassVar = [
            ("write_programmes", "Can write versions of loyalty programmes and ask for their release"),
            ("release_programmes", "Can release a loyalty programme that another person asked for"),
            ("write_campaigns", "Can make and end campaigns that multiply points"),
        ]

    def __str__(self) -> str:
        return self.name


class ProgrammeVersion(models.Model):
    """What a programme says, whole. Its rule never changes: a change is a version of its own.

    In force at a moment is the released version with the newest ``active_from`` before it; that is never in the past when
    a version is released, so that what was earned stays as it was. ``digest`` is SHA-256 of the rule.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    rule = models.JSONField()
    digest = models.BinaryField(max_length=32)
    state = models.CharField(max_length=10, choices=[(s.value, s.name.capitalize()) for s in VersionState])
    note = models.CharField(max_length=300, blank=True, default="")
    created_by = models.TextField()
    created_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)
    active_from = models.DateTimeField(null=True, blank=True)
    approval_id = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["programme", "number"], name="loyalty_version_once"),
            models.UniqueConstraint(
                fields=["programme", "active_from"], condition=Q(state="released"), name="loyalty_version_start_once"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class Campaign(models.Model):
    """For a time, points are multiplied: ``factor`` for bets from ``active_from`` up to ``active_until``.

    It may name programmes, game categories, games, and ``labels`` of which a player must have one value each
    ({"crm.segment": ["vip"]}); empty: all. Of campaigns that do not stack the highest counts, those that stack multiply.
    Begun, nothing of it changes, but that it may end earlier.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    factor = models.DecimalField(max_digits=6, decimal_places=3)
    stacks = models.BooleanField(default=False)
    programmes = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    categories = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    games = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    active_from = models.DateTimeField()
    active_until = models.DateTimeField()
    created_by = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(factor__gt=0, factor__lte=100, active_until__gte=F("active_from")),
                name="loyalty_campaign_sane",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["active_until"], name="loyalty_campaign_until")]

    def __str__(self) -> str:
        return self.name
