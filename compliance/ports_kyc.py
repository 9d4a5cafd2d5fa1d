"""Ports of verification: providers that look at documents.

Plugged in from ``AppConfig.ready()``. A provider gets a person's name, birth date and contact; what documents show stays there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from compliance.types_kyc import Notice, Person, Review, StartedCheck
from kernel.errors import DomainError, NotFound


class KycUnavailable(Exception):
    """The provider did not answer, or not in its own language. Nothing is known; ask again later."""


class InvalidSignature(DomainError):
    """A webhook is not signed by the provider."""

    code = "invalid_signature"
    title = "The signature is not valid"
    status = 401


class UnknownProvider(NotFound):
    """No verification provider of this name is plugged in."""

    code = "unknown_provider"
    title = "No such verification provider"


class KycProvider(Protocol):
    """A service that verifies people. Every call may be repeated: a person is one applicant there, ever."""

    name: str

    def start(self, person: Person, at: datetime) -> StartedCheck:
        """Make the person known, or find them, and give a token for handing documents in. Raises: KycUnavailable."""
        ...

    def status(self, applicant_id: str) -> Review | None:
        """What it says of an applicant now; None: it knows no such one. Raises: KycUnavailable."""
        ...

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> Notice | None:
        """Read a webhook's raw body; None when it is about nothing of ours. Raises: InvalidSignature, FieldErrors."""
        ...


_providers: dict[str, KycProvider] = {}


def register_kyc_provider(provider: KycProvider) -> None:
    _providers[provider.name] = provider


def get_kyc_provider(name: str) -> KycProvider:
    """Raises: UnknownProvider."""
    if name not in _providers:
        raise UnknownProvider(f"There is no verification provider {name!r:.60}.")
    return _providers[name]


def list_kyc_providers() -> list[str]:
    return sorted(_providers)
