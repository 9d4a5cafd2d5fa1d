"""Offers, their versions, and what players were granted."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from bonuses.models_codes import Code, CodeBatch, CodeUse  # noqa: F401  (Django looks for tables here)
from bonuses.models_lists import ListAward, ListItem  # noqa: F401
from bonuses.models_play import PlayDay, PlayTotal  # noqa: F401
from bonuses.models_runs import OfferRun  # noqa: F401
from bonuses.models_wagering import Progress, WageringEntry  # noqa: F401
from bonuses.types import OPEN_STATES, GrantState, OfferState, VersionState
from kernel.ids import uuid7
from kernel.protection import Protection, Retention


def _choices(kind: type[OfferState] | type[VersionState] | type[GrantState]) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in kind]


class Offer(models.Model):
    """A bonus that is offered. ``code`` is its stable name and never changes; ``live`` the version in force, ``live_since``
    when the first one came into force: what happened before is no occasion of it.

    The row is locked by each grant whose offer has a budget, a brake or caps beyond the player: they are exact by that.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=_choices(OfferState), default=OfferState.DRAFT)
    live = models.ForeignKey("OfferVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    live_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        permissions: ClassVar = [
            ("write_offers", "Can write versions of offers and ask for their release"),
            ("release_offers", "Can release an offer that another person asked for"),
            ("stop_offers", "Can pause, resume and stop offers"),
            ("make_codes", "Can make, import, export and close bonus codes"),
        ]

    def __str__(self) -> str:
        return self.name


class OfferVersion(models.Model):
    """What an offer says, whole. Its rule never changes: a change is a version of its own.

    ``digest`` is SHA-256 of the rule. ``simulation`` is what was found before release.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    rule = models.JSONField()
    digest = models.BinaryField(max_length=32)
    state = models.CharField(max_length=10, choices=_choices(VersionState), default=VersionState.DRAFT)
    note = models.CharField(max_length=300, blank=True, default="")
    created_by = models.TextField()
    created_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)
    approval_id = models.UUIDField(null=True, blank=True)
    simulation = models.JSONField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["offer", "number"], name="bonuses_version_once"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class Grant(models.Model):
    """One bonus of one player for one occasion of an offer. Written by ``services.grants``; each change is an event.

    ``base_minor`` is what the award was computed from (a deposit, a net loss). ``wagers``: something has to be staked
    for it; a player has one such active grant at a time. ``cost_eur_minor`` is what counted against the budget.
    ``household`` is a hash. Money is in minor units of ``currency``.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(OfferVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    occasion = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=_choices(GrantState))
    kind = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)
    base_minor = models.BigIntegerField(default=0)
    amount_minor = models.BigIntegerField(default=0)
    spins = models.IntegerField(default=0)
    spin_value_minor = models.BigIntegerField(default=0)
    to_wager_minor = models.BigIntegerField(default=0)
    wagers = models.BooleanField(default=False)
    cost_eur_minor = models.BigIntegerField(default=0)
    household = models.BinaryField(max_length=32, null=True)
    purse_id = models.UUIDField(null=True, blank=True)
    spins_purse_id = models.UUIDField(null=True, blank=True)
    granted_by = models.TextField()
    granted_at = models.DateTimeField()
    claim_until = models.DateTimeField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=20, blank=True, default="")
    outcome_minor = models.BigIntegerField(null=True, blank=True)

    class Meta:
        permissions: ClassVar = [
            ("grant_bonus", "Can give players bonuses"),
            ("forfeit_bonus", "Can take players' bonuses"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["offer", "player", "occasion"], name="bonuses_grant_once"),
            models.UniqueConstraint(
                fields=["player"], condition=Q(state="active", wagers=True), name="bonuses_grant_one_wagered"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0, spins__gte=0, to_wager_minor__gte=0, cost_eur_minor__gte=0),
                name="bonuses_grant_sane",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="bonuses_grant_history"),
            models.Index(fields=["offer", "granted_at"], name="bonuses_grant_of_offer"),
            models.Index(
                fields=["offer", "household"], condition=Q(household__isnull=False), name="bonuses_grant_household"
            ),
            models.Index(fields=["claim_until"], condition=Q(state="offered"), name="bonuses_grant_unclaimed"),
            models.Index(fields=["purse_id"], condition=Q(state="active"), name="bonuses_grant_purse"),
            models.Index(fields=["spins_purse_id"], condition=Q(state="active"), name="bonuses_grant_spins"),
        ]

    def __str__(self) -> str:
        return f"{self.offer_id} {self.state}"

    @property
    def open(self) -> bool:
        return self.state in OPEN_STATES


class Spend(models.Model):
    """What an offer cost on one day (UTC), in minor units of EUR, at the moment of granting. Written with each grant."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.BigAutoField(primary_key=True)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    grants = models.IntegerField(default=0)
    cost_eur_minor = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "spend"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["offer", "day"], name="bonuses_spend_once"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.cost_eur_minor}"


class Occasion(models.Model):
    """An occasion that an automatic trigger came upon, once: the bonus it gave, or ``reasons`` why none. Never changes."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+", db_index=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    occasion = models.CharField(max_length=200)
    grant = models.ForeignKey(Grant, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reasons = models.JSONField(default=list)
    occurred_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["offer", "player", "occasion"], name="bonuses_occasion_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["player", "-id"], name="bonuses_occasion_history")]

    def __str__(self) -> str:
        return self.occasion


class Referral(models.Model):
    """Who brought a player. The friend's bonus is given once, at registration or the first deposit, as offers say."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    player = models.OneToOneField("players.Player", primary_key=True, on_delete=models.PROTECT, related_name="+")
    friend = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    registered_at = models.DateTimeField()
    deposited_at = models.DateTimeField(null=True, blank=True)
    rewarded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["registered_at"], condition=Q(rewarded_at=None), name="bonuses_referral_open"),
        ]

    def __str__(self) -> str:
        return f"{self.friend_id} brought {self.player_id}"


class SpinsHandout(models.Model):
    """Free spins that a game provider keeps on its own side: to be handed out, or taken back. Written with the grant.

    Worked by ``services.handouts``: what the provider does not take is tried again, later each time.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    grant = models.OneToOneField(Grant, primary_key=True, on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=60)
    handed_at = models.DateTimeField(null=True, blank=True)
    take_back = models.BooleanField(default=False)
    taken_back_at = models.DateTimeField(null=True, blank=True)
    tries = models.IntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="bonuses_handout_due"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.grant_id}"
