"""What payment providers and we have said to each other. No secret and no card number is kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.ids import uuid7
from kernel.pan import mask_pans
from wallet.models_payments import ProviderMessage
from wallet.ports import PaymentAnswer, PaymentState


def keep_message(
    *, payment_id: UUID, provider: str, call: str, answer: PaymentAnswer, at: datetime, notice_id: str = ""
) -> bool:
    """Keep one line of the dialogue; False when this notice was kept before: it says nothing new.

    The caller is in a transaction that holds the payment's player.
    """
    row = ProviderMessage(
        id=uuid7(),
        payment_id=payment_id,
        provider=provider,
        call=call,
        answer=answer.state,
        reference=answer.reference[:120],
        reason=mask_pans(answer.reason)[:200],
        amount_minor=answer.amount.amount_minor if answer.amount else None,
        notice_id=notice_id[:120],
        said_at=at,
    )
    if notice_id and ProviderMessage.objects.filter(provider=provider, notice_id=row.notice_id).exists():
        return False
    row.save(force_insert=True)
    return True


NO_ANSWER = PaymentAnswer(PaymentState.PENDING, reason="no_answer")
