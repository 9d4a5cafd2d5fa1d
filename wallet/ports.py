"""Ports of the wallet: payment providers plug in here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from kernel.errors import FieldErrors
from kernel.money import Money


class AuthorisationState(StrEnum):
    MADE = "made"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What a provider says of one payment. ``reference`` is the provider's own id; ``reason`` tells why it failed."""

    state: AuthorisationState
    reference: str = ""
    reason: str = ""


class ProviderUnavailable(Exception):
    """The provider did not answer: whether it took the payment is not known. Ask ``status`` later."""


class PaymentProvider(Protocol):
    """A payment service. Calls carry our payment id as idempotency key; instruments are tokens, never card numbers."""

    name: str

    def authorise(self, payment_id: UUID, amount: Money, instrument: str) -> Authorisation:
        """Take a payment in. Raises: ProviderUnavailable."""
        ...

    def status(self, payment_id: UUID) -> Authorisation:
        """What became of a payment. Raises: ProviderUnavailable."""
        ...


_providers: dict[str, PaymentProvider] = {}


def register_provider(provider: PaymentProvider) -> None:
    _providers[provider.name] = provider


def get_provider(name: str) -> PaymentProvider:
    """Raises: FieldErrors."""
    if name not in _providers:
        raise FieldErrors({"provider": [f"Choose one of the payment providers: {', '.join(sorted(_providers))}."]})
    return _providers[name]
