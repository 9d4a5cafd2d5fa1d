"""Ports of exclusion: registers of excluded people, and who ends what a player has under way and sends money back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from compliance.types_exclusion import RegisterMoment
from kernel.actors import Actor
from kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPerson:
    """Whom a register is asked about. ``national_id`` and ``street`` are "" where nobody gave them."""

    country: str
    first_name: str
    last_name: str
    birth_date: date | None
    postcode: str = ""
    city: str = ""
    street: str = ""
    email: str = ""
    phone: str = ""
    national_id: str = ""


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """``reply_id`` is the register's own id of this answer; ``until`` None: it does not say for how long."""

    listed: bool
    reply_id: str
    until: datetime | None = None


class RegisterUnavailable(Exception):
    """The register did not answer in time, or not in a way that can be read."""


class ExclusionRegister(Protocol):
    """A national register of excluded people. ``name`` is the one in the packs: GAMSTOP, Spelpaus, OASIS …"""

    name: str

    def check(self, person: RegisterPerson, moment: RegisterMoment, at: datetime) -> RegisterAnswer:
        """Is this person excluded now? It must answer within seconds, and never from what it knew before.

        Raises: RegisterUnavailable.
        """
        ...


_registers: dict[str, ExclusionRegister] = {}


def register_exclusion_register(register: ExclusionRegister) -> None:
    """From ``AppConfig.ready()``. Raises: ValueError when another one has the name."""
    if register.name in _registers:
        raise ValueError(f"two exclusion registers are named {register.name}")
    _registers[register.name] = register


def find_exclusion_register(name: str) -> ExclusionRegister | None:
    """None: nobody is plugged in for it, so it cannot answer."""
    return _registers.get(name)


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of what a player had under way: open bets given back, admissions to games ended."""

    bets_returned: int = 0
    returned: Money | None = None
    games_closed: int = 0


class ExcludedPlay(Protocol):
    """Whoever keeps players' bets and money: ends them when a player is excluded, sends money back to where it came from."""

    def close_play(self, player_id: UUID, *, return_bets: bool, actor: Actor, at: datetime) -> Closing:
        """End admissions to games; give back open bets on events that have not begun, where ``return_bets``.

        In the caller's transaction, which holds the player.
        """
        ...

    def return_balance(self, player_id: UUID, *, unproved: bool = False, key: str, actor: Actor, at: datetime) -> str:
        """Send what the player may withdraw to where it came from; in a transaction of its own. ``unproved``: their
        verification failed, which stands against payouts that they ask for themselves.

        "done" when nothing is left to send, "sent" when it is on its way, else why it can't be sent ("no_instrument").
        """
        ...


_plays: list[ExcludedPlay] = []


def register_excluded_play(play: ExcludedPlay) -> None:
    """From ``AppConfig.ready()``."""
    _plays.append(play)


def list_excluded_plays() -> Sequence[ExcludedPlay]:
    return tuple(_plays)
