"""Webhooks of payment providers: verified by the provider's adapter, then taken in by the payment they are about."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from kernel.actors import system
from wallet.models_payments import Deposit, Payout
from wallet.ports import Direction, PaymentNotice, get_provider
from wallet.services.deposits import settle_deposit
from wallet.services.payment_sending import settle_payout

logger = logging.getLogger(__name__)


def receive_notice(*, provider: str, headers: Mapping[str, str], body: bytes, at: datetime) -> bool:
    """Take in a provider's webhook; whether it was about a payment of ours. The same one may come any number of times.

    ``body`` is raw, as it was signed. Raises: UnknownProvider, InvalidSignature, FieldErrors.
    """
    notice = get_provider(provider).verify_webhook(headers, body, at)
    if notice is None:
        return False
    incoming = notice.direction is Direction.IN
    payment_id = _find_deposit(provider, notice) if incoming else _find_payout(provider, notice)
    if payment_id is None:
        logger.warning("%s tells of a payment that is not ours: %s", provider, notice.answer.reference)
        return False
    (_settle_in if incoming else _settle_out)(payment_id, notice, provider, at)
    return True


def _settle_in(deposit_id: UUID, notice: PaymentNotice, provider: str, at: datetime) -> None:
    actor = system(f"webhook of {provider}")
    settle_deposit(deposit_id=deposit_id, answer=notice.answer, notice_id=notice.notice_id, actor=actor, at=at)


def _settle_out(payout_id: UUID, notice: PaymentNotice, provider: str, at: datetime) -> None:
    actor = system(f"webhook of {provider}")
    settle_payout(payout_id=payout_id, answer=notice.answer, notice_id=notice.notice_id, actor=actor, at=at)


def _find_deposit(provider: str, notice: PaymentNotice) -> UUID | None:
    return _find(Deposit.objects.filter(provider=provider), notice)


def _find_payout(provider: str, notice: PaymentNotice) -> UUID | None:
    return _find(Payout.objects.filter(instrument__provider=provider), notice)


def _find(payments: QuerySet[Deposit] | QuerySet[Payout], notice: PaymentNotice) -> UUID | None:
    """By our own id; by the provider's where it tells only that."""
    if notice.payment_id:
        payments = payments.filter(id=notice.payment_id)
    elif notice.answer.reference:
        payments = payments.filter(provider_reference=notice.answer.reference)
    else:
        return None
    found: UUID | None = payments.values_list("id", flat=True).first()
    return found
