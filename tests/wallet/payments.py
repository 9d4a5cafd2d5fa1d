"""Shorthand for tests of payments: instruments, withdrawals, what was told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from events.catalogue.base import CATALOGUE
from events.models import Event
from kernel.money import Money
from tests.factories import ACTOR, AT
from wallet.selectors import get_balances, list_purses
from wallet.services.deposits import request_deposit
from wallet.services.payment_instruments import register_instrument
from wallet.services.withdrawals import request_withdrawal
from wallet.types import AccountKind
from wallet.types_payments import DepositDetails, InstrumentDetails, WithdrawalDetails

PAYMENTS = [name for name in CATALOGUE if name.startswith(("wallet.deposit-", "wallet.withdrawal-", "wallet.payout-"))]


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


def pay_in(
    player_id: UUID, amount: str = "100.00", token: str = "tok_ok", key: str = "", at: datetime = AT
) -> DepositDetails:
    return request_deposit(
        player_id=player_id,
        amount=eur(amount),
        provider="sandbox",
        instrument=token,
        source="test",
        idempotency_key=f"{key or token}-{amount}-{player_id}",
        actor=ACTOR,
        at=at,
    )


def instrument(player_id: UUID, token: str = "tok_ok", at: datetime = AT) -> InstrumentDetails:
    return register_instrument(player_id=player_id, provider="sandbox", token=token, actor=ACTOR, at=at)


def withdraw(
    player_id: UUID, amount: str = "40.00", token: str = "tok_ok", key: str = "w", at: datetime = AT
) -> WithdrawalDetails:
    return request_withdrawal(
        player_id=player_id,
        amount=eur(amount),
        instrument_id=instrument(player_id, token, at).id,
        source="test",
        idempotency_key=f"{key}-{player_id}",
        actor=ACTOR,
        at=at,
    )


def told(player_id: UUID) -> list[str]:
    """Events of payments, in order: "withdrawal-requested" …"""
    events = Event.objects.filter(player_id=player_id, type__in=PAYMENTS).order_by("position")
    return [event.type.split(".")[1] for event in events]


def real(player_id: UUID) -> str:
    return str(get_balances(player_id).real)


def held(player_id: UUID) -> str:
    return next((str(row.balance) for row in list_purses(player_id) if row.kind is AccountKind.HELD), "0.00")
