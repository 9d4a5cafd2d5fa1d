"""Corrections by staff, disputes, and what dormant accounts are charged. Money itself moves in the ledger only."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention
from wallet.types_adjustments import AdjustmentNature, AdjustmentState, DisputeState


def _choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in enum]


class Adjustment(models.Model):
    """One correction of one purse, asked for by staff. Written by services.adjustments.

    ``amount_minor`` is signed: positive credits the player. Above the threshold it waits for ``approval``; once posted
    ``transfer_id`` is its movement in the ledger. ``key`` is the idempotency key of whoever asked.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    purse = models.ForeignKey("wallet.Account", on_delete=models.PROTECT, related_name="+")
    nature = models.CharField(max_length=12, choices=_choices(AdjustmentNature))
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=40)
    evidence = models.TextField()
    reference = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=20, choices=_choices(AdjustmentState))
    approval = models.ForeignKey("compliance.Approval", null=True, on_delete=models.PROTECT, related_name="+")
    transfer_id = models.UUIDField(null=True)
    key = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    requested_by = models.CharField(max_length=80)
    requested_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        permissions: ClassVar = [
            ("adjust_balance", "Corrects balances"),
            ("approve_adjustment", "Approves corrections of balances"),
            ("write_off_balance", "Asks for balances to be written off"),
            ("approve_write_off", "Approves write-offs"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["requested_by", "key"], name="wallet_adjustment_key_once"),
            models.CheckConstraint(condition=~models.Q(amount_minor=0), name="wallet_adjustment_moves"),
            models.CheckConstraint(
                condition=models.Q(state="posted", transfer_id__isnull=False)
                | (~models.Q(state="posted") & models.Q(transfer_id=None)),
                name="wallet_adjustment_posted",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["player", "-id"], name="wallet_adjustment_player")]

    def __str__(self) -> str:
        return f"{self.nature} {self.id}"


class Dispute(models.Model):
    """A player says that money is wrong: ``open → investigating → resolved | rejected``. Written by services.disputes.

    ``reference`` is the transfer, round or payment that it is about, in the player's or the provider's own words.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=200)
    story = models.TextField()
    reference = models.CharField(max_length=200, blank=True, default="")
    claimed_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=14, choices=_choices(DisputeState), default=DisputeState.OPEN.value)
    assignee = models.CharField(max_length=80, blank=True, default="")
    key = models.CharField(max_length=200)
    opened_by = models.CharField(max_length=80)
    opened_at = models.DateTimeField()
    resolution = models.TextField(blank=True, default="")
    settled_by = models.CharField(max_length=80, blank=True, default="")
    settled_at = models.DateTimeField(null=True)
    adjustment = models.ForeignKey(Adjustment, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        permissions: ClassVar = [("work_disputes", "Opens, investigates and settles disputes")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["opened_by", "key"], name="wallet_dispute_key_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "investigating"], settled_at=None)
                | models.Q(state__in=["resolved", "rejected"], settled_at__isnull=False),
                name="wallet_dispute_settled",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="wallet_dispute_player"),
            models.Index(
                fields=["id"], condition=models.Q(state__in=["open", "investigating"]), name="wallet_dispute_open"
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class DormancyNotice(models.Model):
    """A dormant player is to be told that fees will be taken from ``chargeable_at`` on, or that the account becomes dormant
    then. Written by services.dormancy.

    ``sent_at`` is when the mail went out; without it nothing is taken. It ends when the player is active again, or can
    be charged no more.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    noticed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    chargeable_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["player"], condition=models.Q(ended_at=None), name="wallet_dormancy_notice_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"dormancy notice {self.id}"


class DormantFee(models.Model):
    """One month's fee of one dormant player, taken once. Written by services.dormancy; never changes."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    notice = models.ForeignKey(DormancyNotice, on_delete=models.PROTECT, related_name="+")
    month = models.CharField(max_length=7)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    transfer_id = models.UUIDField()
    charged_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["player", "month"], name="wallet_dormant_fee_month_once"),
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="wallet_dormant_fee_positive"),
        ]

    def __str__(self) -> str:
        return f"dormant fee {self.month}"
