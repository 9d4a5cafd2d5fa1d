"""What players paid in and were paid, as limits count it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from kernel.protection import Protection, Retention


class DepositUse(models.Model):
    """One deposit as the limits count it: from its request on, whatever comes of the money later.

    Written by services.deposit_counters in the deposit's own transactions, under the player's lock. ``released_at``: the
    payment came to nothing, so that it counts no more; a withdrawal or a chargeback never releases it.
    ``reservation`` is the answer of the register that counts over all operators.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    deposit_id = models.UUIDField(primary_key=True)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    amount_minor = models.BigIntegerField()
    requested_at = models.DateTimeField()
    made_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    reservation = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        default_permissions: ClassVar = []
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="compliance_deposituse_positive"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["player", "requested_at"],
                include=["amount_minor", "released_at"],
                name="compliance_deposituse_player",
            ),
        ]

    def __str__(self) -> str:
        return str(self.deposit_id)


class PayoutUse(models.Model):
    """One payout as net deposit limits count it. ``returned_at``: the bank sent it back.

    Written by services.deposit_counters with the payout, under the player's lock.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    payout_id = models.UUIDField(primary_key=True)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+", db_index=False)
    amount_minor = models.BigIntegerField()
    paid_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions: ClassVar = []
        indexes: ClassVar = [
            models.Index(
                fields=["player", "paid_at"],
                include=["amount_minor", "returned_at"],
                name="compliance_payoutuse_player",
            ),
        ]

    def __str__(self) -> str:
        return str(self.payout_id)
