"""The ledger and what stands around it. Transfers, entries and keys are written by wallet/sql/posting.sql only."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from kernel.ids import uuid7
from kernel.protection import PersonalData, Protection, Retention
from wallet.models_adjustments import Adjustment, Dispute, DormancyNotice, DormantFee  # noqa: F401  (Django looks here)
from wallet.models_reconciliation import LiabilityDay, ReconciliationCase, Report, ReportMapping, ReportRow  # noqa: F401
from wallet.types import (
    AccountKind,
    DepositState,
    GameCategory,
    InstrumentKind,
    PayoutState,
    TransferKind,
    WithdrawalState,
)


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

    A purse's ``balance_minor`` changes only together with an entry; ``sequence`` counts its entries without a gap, and
    ``last_hash`` is the hash of the last of them. House accounts have none of these: they are summed from checkpoints
    and the entries since, so that players never queue for one row.
    ``closed_into`` says where late money of a closed purse goes: the real purse or the house.
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


class Instrument(models.Model):
    """A player's means of payment, known by its provider's token; never a card or account number.

    Written by services.payment_instruments and with the payments made by it. Amounts are minor units of the player's
    currency; ``paid_in_minor`` is without what was charged back, ``paid_out_minor`` with what is on its way.
    """

    protection: ClassVar = Protection(
        Retention.FIVE_YEARS,
        {"token": PersonalData.PLAIN, "label": PersonalData.PLAIN, "fingerprint": PersonalData.PLAIN},
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=40)
    token = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=_choices(InstrumentKind), default=InstrumentKind.OTHER.value)
    label = models.CharField(max_length=60, blank=True, default="")
    fingerprint = models.CharField(max_length=120, blank=True, default="")
    paid_in_minor = models.BigIntegerField(default=0)
    paid_out_minor = models.BigIntegerField(default=0)
    added_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["player", "provider", "token"], name="wallet_instrument_once"),
            models.CheckConstraint(
                condition=models.Q(paid_in_minor__gte=0, paid_out_minor__gte=0), name="wallet_instrument_amounts"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["provider", "fingerprint"],
                condition=~models.Q(fingerprint=""),
                name="wallet_instrument_shared",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.label or self.kind}"


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


class Deposit(models.Model):
    """A player's payment in. States and their order: rules.DEPOSIT_MOVES; written by services.deposits.

    ``instrument`` is the provider's token, never a card number. ``number`` counts the player's made deposits.
    An open one is asked about at ``next_try_at``; a job that works on it has moved that moment before.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    provider = models.CharField(max_length=40)
    instrument = models.CharField(max_length=120)
    paid_with = models.ForeignKey(Instrument, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=_choices(DepositState), default=DepositState.REQUESTED.value)
    source = models.CharField(max_length=120)
    key = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    provider_reference = models.CharField(max_length=120, blank=True, default="")
    failure_reason = models.CharField(max_length=200, blank=True, default="")
    number = models.IntegerField(null=True, blank=True)
    charged_back_minor = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
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
                fields=["next_try_at"],
                condition=models.Q(state__in=["requested", "pending"]),
                name="wallet_deposit_chased",
            ),
            models.Index(fields=["provider_reference"], name="wallet_deposit_reference"),
        ]

    def __str__(self) -> str:
        return f"deposit {self.id}"


class Withdrawal(models.Model):
    """A player's wish to be paid. States and their order: rules.WITHDRAWAL_MOVES; written by services.withdrawals.

    The amount is in the held purse from the request on; it ends as ``paid_minor`` or, as ``returned_minor``, with the
    player again. ``instrument`` is the preferred one: ``Payout`` rows say where money really goes. ``reasons`` are
    the score's, as they stood at the request. ``claimed_by`` works on it until ``claimed_until``.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    approved_minor = models.BigIntegerField(default=0)
    paid_minor = models.BigIntegerField(default=0)
    returned_minor = models.BigIntegerField(default=0)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=_choices(WithdrawalState), default=WithdrawalState.REQUESTED.value)
    source = models.CharField(max_length=120)
    key = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    score = models.SmallIntegerField()
    reasons = models.JSONField(default=list)
    level = models.CharField(max_length=120, blank=True, default="")
    cancellable = models.BooleanField()
    cooling_minutes = models.IntegerField(default=0)
    automatic = models.BooleanField(default=False)
    decided_by = models.CharField(max_length=120, blank=True, default="")
    decision_reason = models.TextField(blank=True, default="")
    failure_reason = models.CharField(max_length=200, blank=True, default="")
    claimed_by = models.CharField(max_length=120, blank=True, default="")
    claimed_until = models.DateTimeField(null=True, blank=True)
    requested_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    sends_from = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions: ClassVar = [("approve_withdrawal", "Approves, splits and rejects withdrawals")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "key"], name="wallet_withdrawal_key_once"),
            models.CheckConstraint(
                condition=models.Q(
                    amount_minor__gt=0,
                    approved_minor__gte=0,
                    approved_minor__lte=models.F("amount_minor"),
                    paid_minor__gte=0,
                    returned_minor__gte=0,
                    amount_minor__gte=models.F("paid_minor") + models.F("returned_minor"),
                ),
                name="wallet_withdrawal_adds_up",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="wallet_withdrawal_player"),
            models.Index(fields=["state", "requested_at"], name="wallet_withdrawal_inbox"),
        ]

    def __str__(self) -> str:
        return f"withdrawal {self.id}"


class Payout(models.Model):
    """One payment out of a withdrawal, to one instrument; ``id`` is the provider's idempotency key.

    Planned with the approval; written by services.payment_sending. One that is to be sent or asked about is due at
    ``next_try_at``; a job that works on it has moved that moment before.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="payouts")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    paid_minor = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=_choices(PayoutState), default=PayoutState.PLANNED.value)
    provider_reference = models.CharField(max_length=120, blank=True, default="")
    failure_reason = models.CharField(max_length=200, blank=True, default="")
    attempts = models.IntegerField(default=0)
    next_try_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount_minor__gt=0, paid_minor__gte=0, paid_minor__lte=models.F("amount_minor")),
                name="wallet_payout_adds_up",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(state__in=["planned", "sent"]),
                name="wallet_payout_due",
            ),
            models.Index(fields=["provider_reference"], name="wallet_payout_reference"),
        ]

    def __str__(self) -> str:
        return f"payout {self.id}"


class ProviderMessage(models.Model):
    """One line of the dialogue with a payment provider: what was asked, or what it said of itself. Never changes.

    Of the answer only state, reference, reason and amount are kept: no secret, no card number. ``payment_id`` is a
    deposit's or payout's id; ``notice_id`` is set for webhooks, each of which is kept once.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment_id = models.UUIDField()
    provider = models.CharField(max_length=40)
    call = models.CharField(max_length=12)
    answer = models.CharField(max_length=12)
    reference = models.CharField(max_length=120, blank=True, default="")
    reason = models.CharField(max_length=200, blank=True, default="")
    amount_minor = models.BigIntegerField(null=True, blank=True)
    notice_id = models.CharField(max_length=120, blank=True, default="")
    said_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "notice_id"],
                condition=~models.Q(notice_id=""),
                name="wallet_provider_notice_once",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["payment_id", "id"], name="wallet_provider_dialogue")]

    def __str__(self) -> str:
        return f"{self.call} {self.answer}"


class WithdrawalPolicy(models.Model):
    """What a country demands of withdrawals; the one with an empty country is for all others. Written by staff.

    ``cooling_minutes`` pass between approval and payment. Some countries forbid that a player takes a withdrawal back.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.BigAutoField(primary_key=True)
    country = models.CharField(
        max_length=2, blank=True, default="", unique=True, help_text="ISO 3166-1, such as GB; empty for all others."
    )
    cooling_minutes = models.PositiveIntegerField(default=0)
    cancellation_allowed = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "withdrawal policies"

    def __str__(self) -> str:
        return self.country or "all other countries"


class ApprovalRule(models.Model):
    """Withdrawals that need no person: of players of a loyalty level, up to an amount and a risk score. Written by staff."""

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.BigAutoField(primary_key=True)
    level = models.CharField(
        max_length=120, blank=True, default="", help_text="Code of a loyalty level, such as gold; empty for everybody."
    )
    currency = models.CharField(max_length=3)
    up_to_minor = models.PositiveBigIntegerField(verbose_name="up to", help_text="In minor units: 10000 is 100.00 EUR.")
    max_score = models.PositiveSmallIntegerField(
        help_text="0 lets only withdrawals through that nothing speaks against."
    )
    active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["level", "currency"], name="wallet_approvalrule_once"),
        ]

    def __str__(self) -> str:
        return f"{self.level or 'everybody'} {self.currency}"


# Django finds models here; the adapters' own stand in a file of their own.
from wallet import models_adapters  # noqa: E402, F401
