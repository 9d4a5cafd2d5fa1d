"""The ledger and what stands around it. Transfers, entries and keys are written by wallet/sql/posting.sql only."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kernel.ids import uuid7
from kernel.protection import Protection, Retention
from wallet import models_adapters, models_exports, models_payments, models_reconciliation  # noqa: F401  (Django looks for tables here)
from wallet.models_adjustments import _choices
from wallet.models_fees import FeeRule  # noqa: F401
from wallet.models_rounds import ClosedRound, Jackpot, JackpotCarry, JackpotContribution, RoundSweep  # noqa: F401
from wallet.types import AccountKind, GameCategory, TransferKind


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

    A purse's ``balance_minor`` changes only together with an entry; ``sequence`` counts its entries without a gap, and
    ``last_hash`` is the hash of the last of them. House accounts have none of these: they are summed from checkpoints
    and the entries since, so that players never queue for one row.
    ``closed_into`` says where late money of a closed purse goes: the real purse or the house.
    ``subject`` is the jackpot of an account of the house, the tournament of a purse. A free-spins purse holds whole spins
    of ``spin_value_minor`` for ``game_codes`` (None: all); what they win goes to ``winnings``, to real money without one.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=_choices(AccountKind))
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField(null=True)
    sequence = models.BigIntegerField(default=0)
    last_hash = models.BinaryField(max_length=32, null=True, blank=True)
    priority = models.SmallIntegerField(default=0)
    stake_cap_minor = models.BigIntegerField(null=True, blank=True)
    game_categories = ArrayField(models.CharField(max_length=10), null=True, blank=True)
    game_codes = ArrayField(models.CharField(max_length=80), null=True, blank=True)
    spin_value_minor = models.BigIntegerField(null=True, blank=True)
    winnings = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    subject = models.CharField(max_length=80, blank=True, default="", db_default="")
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
                fields=["kind", "currency", "subject"],
                condition=models.Q(player=None),
                name="wallet_account_house_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="free_spins") | models.Q(spin_value_minor__gt=0),
                name="wallet_account_spins_have_a_value",
            ),
            models.UniqueConstraint(
                fields=["player", "kind"],
                condition=models.Q(kind__in=["real", "held"]),
                name="wallet_account_one_of_a_kind",
            ),
            models.UniqueConstraint(
                fields=["player", "subject"],
                condition=models.Q(kind="tournament", closed_at=None),
                name="wallet_account_tournament_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["player", "priority", "opened_at", "id"],
                condition=models.Q(closed_at=None),
                name="wallet_account_funding",
            ),
            models.Index(
                fields=["active_until"],
                condition=models.Q(kind__in=["bonus", "free_spins"], closed_at=None, active_until__isnull=False),
                name="wallet_account_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.currency} {self.player_id or 'house'}"


class Transfer(models.Model):
    """One movement of money: a bet, a win, a deposit. Its entries sum to zero. Never changes.

    ``bet_id`` of a win or rollback is the bet's transfer. ``occurred_at`` is play time, the id carries the real clock.
    ``digest`` is SHA-256 over the content, made by the database; ``xid`` the transaction that wrote the row.
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
    xid = models.BigIntegerField()
    digest = models.BinaryField()

    class Meta:
        managed = False
        db_table = "wallet_transfer"
        permissions: ClassVar = [("export_transfers", "Exports all transfers of a period")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Entry(models.Model):
    """One side of a transfer on one account, in minor units; positive credits the account. Never changes.

    ``balance_after_minor`` and ``sequence`` are None on house accounts. ``hash`` covers the entry, its transfer and, on
    purses, the hash of the purse's entry before; ``xid`` is the transaction that wrote the row.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="entries", db_constraint=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    amount_minor = models.BigIntegerField()
    balance_after_minor = models.BigIntegerField(null=True)
    sequence = models.BigIntegerField(null=True)
    xid = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        managed = False
        db_table = "wallet_entry"
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return str(self.id)


class Hold(models.Model):
    """Money that a reservation has set aside for a bet; ``id`` is its transfer's. Written by wallet/sql/holds.sql only.

    ``left_minor`` is what is neither captured nor released, by purse, in the order of ``purses`` (drawn in this order).
    It can be captured before ``expires_at``; a job releases what is left then.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    captured_minor = models.BigIntegerField()
    released_minor = models.BigIntegerField()
    purses = ArrayField(models.UUIDField())
    left_minor = ArrayField(models.BigIntegerField())
    reserved_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount_minor__gte=models.F("captured_minor") + models.F("released_minor")),
                name="wallet_hold_not_exceeded",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="wallet_hold_player"),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(amount_minor__gt=models.F("captured_minor") + models.F("released_minor")),
                name="wallet_hold_due",
            ),
        ]

    def __str__(self) -> str:
        return f"hold {self.id}"


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


class Seal(models.Model):
    """What the store outside the database says of one seal, for lists and for knowing where to go on; never changes.

    Written by services.sealing, after the store. It covers the rows of ``epoch`` whose ``xid`` is at least the previous
    seal's ``xid_until`` and below its own. Hashes are hexadecimal.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    number = models.BigIntegerField(primary_key=True)
    epoch = models.SmallIntegerField()
    xid_until = models.BigIntegerField()
    transfers = models.BigIntegerField()
    entries = models.BigIntegerField()
    root = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16)
    sealed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"seal {self.number}"


class HouseCheckpoint(models.Model):
    """What an account of the house held when ``seal`` was made, over all sealed entries. Written with the seal; never changes.

    Sums go on from here, so that they do not grow with the ledger. Only accounts that the seal moved have a row.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    seal = models.ForeignKey(Seal, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    entries = models.BigIntegerField()
    total_minor = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "seal"], name="wallet_house_checkpoint_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} at {self.seal_id}"
