"""Refusals at the borders: told to whoever keeps the audit trail (events registers itself), after everything was undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kernel.actors import Actor


@dataclass(frozen=True, slots=True)
class Denial:
    """Who was refused what, where (the address of the page or endpoint) and why."""

    actor: Actor
    path: str
    reason: str
    at: datetime
    player_id: UUID | None = None


_witnesses: list[Callable[[Denial], None]] = []


def register_witness(witness: Callable[[Denial], None]) -> None:
    """Called once, from AppConfig.ready()."""
    _witnesses.append(witness)


def report_denial(denial: Denial) -> None:
    """Call it outside the refused transaction: what it writes must stay."""
    for witness in _witnesses:
        witness(denial)


def player_in(values: dict[str, object]) -> UUID | None:
    """The player whom an address names, by what Django found in it."""
    found = values.get("player_id")
    try:
        return found if isinstance(found, UUID) else UUID(str(found))
    except ValueError:
        return None
