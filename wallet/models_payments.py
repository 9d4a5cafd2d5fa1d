"""Deposits, withdrawals, the instruments they use and the dialogue with payment providers; the rules for payouts."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.ids import uuid7
from kernel.protection import PersonalData, Protection, Retention
from wallet.models_adjustments import _choices
from wallet.types_payments import DepositState, Funding, InstrumentKind, Ownership, PayoutState, WithdrawalState


class Instrument(models.Model):
    """A player's means of payment, known by its provider's token; never a card or account number.

    Written by services.payment_instruments and with the payments made by it. ``sealed`` holds token and label under the
    player's key (selectors_instruments opens it); the indexes tell whether two tokens, or two fingerprints of the same
    card or account, are equal, and nothing else. ``funding`` and ``ownership`` are what the provider said of it, the
    latter by comparing the holder's name, which is not kept. Amounts are minor units of the player's currency;
    ``paid_in_minor`` is without what was charged back, ``paid_out_minor`` with what is on its way.
    """

    protection: ClassVar = Protection(
        Retention.FIVE_YEARS,
        {
            "sealed": PersonalData.SEALED,
            "token_index": PersonalData.SEALED,
            "fingerprint_index": PersonalData.SEALED,
        },
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=40)
    kind = models.CharField(max_length=10, choices=_choices(InstrumentKind), default=InstrumentKind.OTHER.value)
    funding = models.CharField(max_length=8, choices=_choices(Funding), blank=True, default="")
    ownership = models.CharField(max_length=10, choices=_choices(Ownership), blank=True, default="")
    sealed = models.BinaryField()
    token_index = models.BinaryField(max_length=32)
    fingerprint_index = models.BinaryField(max_length=32, null=True, blank=True)
    paid_in_minor = models.BigIntegerField(default=0)
    paid_out_minor = models.BigIntegerField(default=0)
    added_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["player", "token_index"], name="wallet_instrument_once"),
            models.CheckConstraint(
                condition=models.Q(paid_in_minor__gte=0, paid_out_minor__gte=0), name="wallet_instrument_amounts"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["fingerprint_index"],
                condition=models.Q(fingerprint_index__isnull=False),
                name="wallet_instrument_shared",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.kind}"


class Deposit(models.Model):
    """A player's payment in. States and their order: rules.DEPOSIT_MOVES; written by services.deposits.

    ``paid_with`` is the instrument, never a card number. ``number`` counts the player's made deposits.
    It may be taken back in parts: ``charged_back_minor`` is all of them, ``refunded_minor`` those that were refunds,
    ``reinstated_minor`` what won disputes gave back of them.
    An open one is asked about at ``next_try_at``; a job that works on it has moved that moment before.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    provider = models.CharField(max_length=40)
    paid_with = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=_choices(DepositState), default=DepositState.REQUESTED.value)
    source = models.CharField(max_length=120)
    key = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    provider_reference = models.CharField(max_length=120, blank=True, default="")
    failure_reason = models.CharField(max_length=200, blank=True, default="")
    number = models.IntegerField(null=True, blank=True)
    charged_back_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    reinstated_minor = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    requested_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "key"], name="wallet_deposit_key_once"),
            models.UniqueConstraint(fields=["player", "number"], name="wallet_deposit_number_once"),
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="wallet_deposit_positive"),
            models.CheckConstraint(
                condition=models.Q(reinstated_minor__gte=0)
                & models.Q(
                    charged_back_minor__range=(
                        models.F("reinstated_minor"),
                        models.F("reinstated_minor") + models.F("amount_minor"),
                    )
                ),
                name="wallet_deposit_taken_back_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["player", "-id"], name="wallet_deposit_player"),
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(state__in=["requested", "pending"]),
                name="wallet_deposit_chased",
            ),
            models.Index(fields=["provider_reference"], name="wallet_deposit_reference"),
            models.Index(fields=["provider", "settled_at"], name="wallet_deposit_settled"),
            models.Index(
                fields=["provider"], condition=models.Q(charged_back_minor__gt=0), name="wallet_deposit_taken_back"
            ),
        ]

    def __str__(self) -> str:
        return f"deposit {self.id}"


class Withdrawal(models.Model):
    """A player's wish to be paid. States and their order: rules.WITHDRAWAL_MOVES; written by services.withdrawals and
    services.withdrawal_decisions.

    The amount is in the held purse from the request on; it ends as ``paid_minor``, as ``charged_minor`` (the fee) or, as
    ``returned_minor``, with the player again. ``fee_minor`` is what was quoted for all of it; less is taken of less.
    ``instrument`` is the preferred one: ``Payout`` rows say where money really goes. ``reasons`` are the score's, as they
    stood at the request. ``claimed_by`` works on it until ``claimed_until``. A large one has an ``approval_id`` once a
    first person approved it; it is None again when the second one declines.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    approved_minor = models.BigIntegerField(default=0)
    paid_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    charged_minor = models.BigIntegerField(default=0)
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
    approval_id = models.UUIDField(null=True, blank=True)
    requested_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    sends_from = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions: ClassVar = [
            ("approve_withdrawal", "Approves, splits and rejects withdrawals"),
            ("approve_large_withdrawal", "Approves large payouts as the second person"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "key"], name="wallet_withdrawal_key_once"),
            models.CheckConstraint(
                condition=models.Q(
                    amount_minor__gt=0,
                    approved_minor__gte=0,
                    approved_minor__lte=models.F("amount_minor"),
                    paid_minor__gte=0,
                    returned_minor__gte=0,
                    amount_minor__gte=models.F("paid_minor") + models.F("charged_minor") + models.F("returned_minor"),
                    charged_minor__gte=0,
                    charged_minor__lte=models.F("fee_minor"),
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

    Planned with the approval; written by services.payment_sending. Of ``amount_minor``, ``fee_minor`` is the house's and
    the rest is sent; ``charged_minor`` is what was taken, in the proportion of what was paid. One that is to be sent or
    asked about is due at ``next_try_at``; a job that works on it has moved that moment before.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="payouts")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    paid_minor = models.BigIntegerField(default=0)
    charged_minor = models.BigIntegerField(default=0)
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
                condition=models.Q(
                    amount_minor__gt=models.F("fee_minor"),
                    fee_minor__gte=models.F("charged_minor"),
                    charged_minor__gte=0,
                    paid_minor__gte=0,
                    paid_minor__lte=models.F("amount_minor") - models.F("fee_minor"),
                ),
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
            models.Index(fields=["settled_at"], name="wallet_payout_settled"),
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
    """How long withdrawals cool down in a country, between approval and payment; the one with an empty country is for all
    others. Written by staff. Whether a player may take a withdrawal back, the jurisdiction's pack says.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.BigAutoField(primary_key=True)
    country = models.CharField(
        max_length=2, blank=True, default="", unique=True, help_text="ISO 3166-1, such as GB; empty for all others."
    )
    cooling_minutes = models.PositiveIntegerField(default=0)

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


class SavedView(models.Model):
    """A view of the payments inbox that one member of staff named. Written and removed by that person alone.

    ``owner`` is the person as an actor ("staff:7"), ``query`` the address's filters.
    """

    protection: ClassVar = Protection(Retention.CONFIGURATION)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.CharField(max_length=80)
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=400)
    saved_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "name"], name="wallet_saved_view_once"),
        ]

    def __str__(self) -> str:
        return self.name
