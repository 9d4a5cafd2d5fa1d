"""Ports of compliance: actions that need a second person plug in here, from ``AppConfig.ready()``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from compliance.types import ApprovalDetails
from kernel.actors import Actor


class ApprovalHandler(Protocol):
    """One kind of action that is carried out only after somebody else said yes.

    ``request_permission`` and ``decide_permission`` are permission codes. An action that touches a player's money or
    account is requested with that player, so that the deciding transaction holds the player before it writes.
    """

    kind: str  # "wallet.adjustment"; never changes
    title: str
    request_permission: str
    decide_permission: str
    expires_after: timedelta

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        """What will happen when it is approved now, as sentences. Only reads."""
        ...

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        """Carry out ``approval.content``, and nothing else, in the approver's transaction; the id of what was done.

        Raises: DomainError when it cannot be done now; the approval then stays open.
        """
        ...

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """It was rejected, taken back or has expired: tell whoever waits for it, in the same transaction."""
        ...


_handlers: dict[str, ApprovalHandler] = {}


class UnknownKind(LookupError):
    """No app has registered this kind of approval."""


def register_handler(handler: ApprovalHandler) -> None:
    """Raises: ValueError when another handler has the kind."""
    if handler.kind in _handlers:
        raise ValueError(f"two kinds of approval are named {handler.kind}")
    _handlers[handler.kind] = handler


def get_handler(kind: str) -> ApprovalHandler:
    """Raises: UnknownKind."""
    try:
        return _handlers[kind]
    except KeyError:
        raise UnknownKind(f"no approval {kind!r}; there are: {', '.join(sorted(_handlers))}") from None


def list_handlers() -> list[ApprovalHandler]:
    return [_handlers[kind] for kind in sorted(_handlers)]


class ScannerUnavailable(RuntimeError):
    """The scanner does not answer, or not in a way that can be understood."""


class VirusScanner(Protocol):
    """What looks through every upload before anything else reads it. Without an answer nothing is taken."""

    name: str

    def scan(self, content: bytes) -> str:
        """The name of what was found, empty when nothing. Raises: ScannerUnavailable."""
        ...


_scanners: list[VirusScanner] = []


def register_scanner(scanner: VirusScanner) -> None:
    """Plug in the scanner of uploads; the last one counts."""
    _scanners[:] = [scanner]


def get_scanner() -> VirusScanner:
    """Raises: ScannerUnavailable when none is plugged in."""
    if not _scanners:
        raise ScannerUnavailable("no virus scanner is plugged in")
    return _scanners[0]
