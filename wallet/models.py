"""The ledger and what stands around it. Transfers, entries and keys are written by wallet/sql/posting.sql only."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention
from wallet.models_adjustments import Adjustment, Dispute, DormancyNotice, DormantFee  # noqa: F401  (Django looks here)
from wallet.models_reconciliation import LiabilityDay, ReconciliationCase, Report, ReportMapping, ReportRow  # noqa: F401
from wallet.types import AccountKind, DepositState, GameCategory, TransferKind


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in enum]  # type: ignore[attr-defined]


class Game(models.Model):
    """One game that can be played. Written by catalogue imports and staff; ``code`` never changes."""

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    code = models.CharField(max_length=80, primary_key=True)
    name = models.CharField(max_length=120)
    provider = models.CharField(max_length=80)
    category = models.CharField(max_length=10, choices=_choices(GameCategory))
    rtp = models.DecimalField(max_digits=5, decimal_places=4, help_text="Theoretical return to player, 0–1.")
    exclusive = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """A player's purse, or an account of the house. Money is in minor units of ``currency``.

    A purse's ``balance_minor`` changes only together with an entry; ``sequence`` counts its entries without a gap.
    House accounts have neither: they are summed from their entries, so that players never queue for one row.
    ``closed_into`` says where late money of a closed purse goes: the real purse or the house.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=_choices(AccountKind))
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField(null=True)
    sequence = models.BigIntegerField(default=0)
    priority = models.SmallIntegerField(default=0)
    stake_cap_minor = models.BigIntegerField(null=True, blank=True)
    game_categories = ArrayField(models.CharField(max_length=10), null=True, blank=True)
    active_until = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_into = models.CharField(max_length=12, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(player=None, balance_minor=None)
                | models.Q(player__isnull=False, balance_minor__gte=0),
                name="wallet_account_never_below_zero",
            ),
            models.UniqueConstraint(
                fields=["kind", "currency"], condition=models.Q(player=None), name="wallet_account_house_once"
            ),
            models.UniqueConstraint(
                fields=["player", "kind"],
                condition=models.Q(kind__in=["real", "held"]),
                name="wallet_account_one_of_a_kind",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["player", "priority", "opened_at", "id"],
                condition=models.Q(closed_at=None),
                name="wallet_account_funding",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.currency} {self.player_id or 'house'}"


class Transfer(models.Model):
    """One movement of money: a bet, a win, a deposit. Its entries sum to zero. Never changes.

    ``bet_id`` of a win or rollback is the bet's transfer. ``occurred_at`` is play time, the id carries the real clock.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=20, choices=_choices(TransferKind))
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_constraint=False)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    source = models.TextField()
    reference = models.TextField()
    game = models.TextField()
    round = models.TextField()
    bet_id = models.UUIDField(null=True)
    actor = models.TextField()
    request_id = models.TextField()
    occurred_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "wallet_transfer"
        permissions: ClassVar = [("export_transfers", "Exports all transfers of a period")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Entry(models.Model):
    """One side of a transfer on one account, in minor units; positive credits the account. Never changes.

    ``balance_after_minor`` and ``sequence`` are None on house accounts.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="entries", db_constraint=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    amount_minor = models.BigIntegerField()
    balance_after_minor = models.BigIntegerField(null=True)
    sequence = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "wallet_entry"
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return str(self.id)


class TransferKey(models.Model):
    """What one idempotency key of one source has led to. Written by the posting functions; never changes.

    ``digest`` is SHA-256 over the content; a tombstone has none: the bet of that key can never be placed.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    pk = models.CompositePrimaryKey("source", "key")
    source = models.TextField()
    key = models.TextField()
    digest = models.BinaryField(null=True)
    outcome = models.TextField()
    reason = models.TextField()
    transfer_id = models.UUIDField(null=True)
    win_transfer_id = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = "wallet_transferkey"

    def __str__(self) -> str:
        return f"{self.source} {self.key}"


class Deposit(models.Model):
    """A player's payment in. ``requested → pending → made | failed``; written by services.deposits.

    ``instrument`` is the provider's token, never a card number. ``number`` counts the player's made deposits.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    provider = models.CharField(max_length=40)
    instrument = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=_choices(DepositState), default=DepositState.REQUESTED.value)
    source = models.CharField(max_length=120)
    key = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    provider_reference = models.CharField(max_length=120, blank=True, default="")
    failure_reason = models.CharField(max_length=200, blank=True, default="")
    number = models.IntegerField(null=True, blank=True)
    requested_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "key"], name="wallet_deposit_key_once"),
            models.UniqueConstraint(fields=["player", "number"], name="wallet_deposit_number_once"),
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="wallet_deposit_positive"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="wallet_deposit_player"),
            models.Index(
                fields=["requested_at"],
                condition=models.Q(state__in=["requested", "pending"]),
                name="wallet_deposit_open",
            ),
        ]

    def __str__(self) -> str:
        return f"deposit {self.id}"
