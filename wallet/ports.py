"""Ports of the wallet: payment providers plug in here.

A provider never sees a player and never gets a card number: it gets our payment's id, an amount and its own token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors, NotFound
from kernel.money import Money
from wallet.types_payments import Funding, InstrumentKind


class Direction(StrEnum):
    IN = "in"  # deposits
    OUT = "out"  # payouts


class PaymentState(StrEnum):
    """What a provider says of a payment, in our words."""

    AUTHORISED = "authorised"  # reserved on the instrument; ``capture`` takes it
    PENDING = "pending"
    MADE = "made"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CHARGED_BACK = "charged_back"  # a deposit taken back by the bank, or refunded
    REINSTATED = "reinstated"  # what a chargeback took is given back: the dispute was won
    RETURNED = "returned"  # a payout that was made and came back
    UNKNOWN = "unknown"  # the provider has never seen it


@dataclass(frozen=True, slots=True)
class InstrumentFacts:
    """What a provider tells of an instrument. ``fingerprint`` is the same wherever the same card or account is used;
    ``holder`` is in whose name it is."""

    kind: InstrumentKind = InstrumentKind.OTHER
    label: str = ""
    fingerprint: str = ""
    funding: Funding = Funding.UNKNOWN
    holder: str = ""


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """One payment in or out. ``payment_id`` is ours: the provider's idempotency key. ``token`` is the instrument's.

    ``reference`` is the provider's own id, "" until it has told it.
    """

    payment_id: UUID
    amount: Money
    token: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class PaymentAnswer:
    """What a provider says of one payment. ``amount`` is what really moved; None: all of it. ``reason``: why it failed.

    A deposit may be taken back in parts: ``amount`` is then this part, or with ``so_far`` all refunds until now.
    """

    state: PaymentState
    reference: str = ""
    reason: str = ""
    amount: Money | None = None
    instrument: InstrumentFacts | None = None
    so_far: bool = False


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """A webhook in our words. ``notice_id`` is the provider's id of the notice: the same one may come many times.

    ``payment_id`` is ours; None when only ``answer.reference`` says which payment it is about.
    """

    notice_id: str
    direction: Direction
    payment_id: UUID | None
    answer: PaymentAnswer


class ProviderUnavailable(Exception):
    """The provider did not answer: whether it took the payment is not known. Ask ``status`` later."""


class InvalidSignature(DomainError):
    """A webhook is not signed by the provider, or too old."""

    code = "invalid_signature"
    title = "The signature is not valid"
    status = 401


class UnknownProvider(NotFound):
    """No payment provider of this name is plugged in."""

    code = "unknown_provider"
    title = "No such payment provider"


class PaymentProvider(Protocol):
    """A payment service. Every call may be repeated with the same payment id and then has the first one's effect.

    That holds for ``keys_kept``: after that a payment without a ``reference`` is never repeated, a person looks at it.
    """

    name: str
    keys_kept: timedelta

    def look_up(self, token: str) -> InstrumentFacts | None:
        """What an instrument is, before any money is taken from it; None when it is not known. Raises: ProviderUnavailable."""
        ...

    def authorise(self, order: PaymentOrder) -> PaymentAnswer:
        """Take a payment in, or reserve it. Raises: ProviderUnavailable."""
        ...

    def capture(self, order: PaymentOrder) -> PaymentAnswer:
        """Take what was reserved. Raises: ProviderUnavailable."""
        ...

    def cancel(self, order: PaymentOrder) -> PaymentAnswer:
        """Give up a payment in that is not made; what it is then: MADE when it was too late. Raises: ProviderUnavailable."""
        ...

    def payout(self, order: PaymentOrder) -> PaymentAnswer:
        """Pay out. Raises: ProviderUnavailable."""
        ...

    def status(self, direction: Direction, order: PaymentOrder) -> PaymentAnswer:
        """What became of a payment. Raises: ProviderUnavailable."""
        ...

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, at: datetime) -> PaymentNotice | None:
        """Read a webhook's raw body; None when it is about nothing of ours. Raises: InvalidSignature, FieldErrors."""
        ...


_providers: dict[str, PaymentProvider] = {}


def register_provider(provider: PaymentProvider) -> None:
    _providers[provider.name] = provider


def get_provider(name: str) -> PaymentProvider:
    """Raises: UnknownProvider."""
    if name not in _providers:
        raise UnknownProvider(f"There is no payment provider {name!r:.60}.")
    return _providers[name]


def check_provider(name: str) -> None:
    """Raises: FieldErrors."""
    if name not in _providers:
        raise FieldErrors({"provider": [f"Choose one of the payment providers: {', '.join(sorted(_providers))}."]})


class WithdrawalGuard(Protocol):
    """Somebody above who has a say before money is set aside for a withdrawal: bonuses that are being wagered."""

    def before_withdrawal(self, *, player_id: UUID, actor: Actor, at: datetime) -> str | None:
        """A sentence why not now; None: go on. Runs in the withdrawal's transaction, which holds the player."""
        ...


_withdrawal_guards: list[WithdrawalGuard] = []


def register_withdrawal_guard(guard: WithdrawalGuard) -> None:
    _withdrawal_guards.append(guard)


def list_withdrawal_guards() -> list[WithdrawalGuard]:
    return list(_withdrawal_guards)
