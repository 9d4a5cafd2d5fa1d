"""Ports of limits: a register that counts a person's deposits with all operators plugs in here."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from compliance.types_limits import CentralAnswer, CentralPerson
from kernel.money import Money


class RegisterUnavailable(Exception):
    """The register does not answer, or not in time. What holds then, the pack says."""


class LimitFile(Protocol):
    """A register like LUGAS' limit file: asked before each deposit, it counts what it accepts.

    ``key`` is ours and names the deposit: the same one asked again is counted once.
    """

    def reserve(self, *, person: CentralPerson, amount: Money, key: str, at: datetime) -> CentralAnswer:
        """Count a deposit if it fits. Raises: RegisterUnavailable."""
        ...

    def release(self, *, reservation: str, at: datetime) -> None:
        """The deposit came to nothing. Raises: RegisterUnavailable."""
        ...


class ActivityFile(Protocol):
    """A register like LUGAS' activity file: a person plays with one operator at a time."""

    def begin(self, *, person: CentralPerson, at: datetime) -> CentralAnswer:
        """The person begins to play here. Refused while they play elsewhere, and for a while after.
        Raises: RegisterUnavailable."""
        ...

    def end(self, *, person: CentralPerson, at: datetime) -> None:
        """They play here no more. Raises: RegisterUnavailable."""
        ...


_limit_files: dict[str, LimitFile] = {}
_activity_files: dict[str, ActivityFile] = {}


def register_limit_file(name: str, file: LimitFile) -> None:
    """From ``AppConfig.ready()``; ``name`` is the one that packs use."""
    _limit_files[name] = file


def register_activity_file(name: str, file: ActivityFile) -> None:
    _activity_files[name] = file


def get_limit_file(name: str) -> LimitFile:
    """Raises: RegisterUnavailable when none is plugged in under the name."""
    if name not in _limit_files:
        raise RegisterUnavailable(f"no limit file named {name} is connected")
    return _limit_files[name]


def get_activity_file(name: str) -> ActivityFile:
    """Raises: RegisterUnavailable when none is plugged in under the name."""
    if name not in _activity_files:
        raise RegisterUnavailable(f"no activity file named {name} is connected")
    return _activity_files[name]
