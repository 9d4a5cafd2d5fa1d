"""Types of jurisdiction packs that cross the border of compliance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from kernel.errors import DomainError
from kernel.money import Money
from kernel.packs import PackFile, Sourced, Value

DEFAULT, HOUSE = "default", "house"


class PackIncomplete(DomainError):
    """The pack does not say what the decision hangs on, so the answer is no. Compliance adds the value and activates it."""

    code = "pack_incomplete"
    title = "The rules of this jurisdiction are incomplete"
    status = 403

    def __init__(self, key: str, pack: str) -> None:
        super().__init__(f"The pack {pack} does not say {key}.", key=key, pack=pack)
        self.key = key


@dataclass(frozen=True, slots=True)
class EffectivePack:
    """What holds for one residence from ``valid_from`` until ``valid_until`` (exclusive; None: until somebody activates
    something newer): a pack's version, tightened by the house policy.

    A key that is not there makes no demand; ``need`` is for what a decision cannot be made without.
    """

    pack_id: str
    version: date
    house_version: date | None
    timezone: str
    currency: str
    valid_from: datetime
    valid_until: datetime | None
    values: Mapping[str, Value]

    @property
    def label(self) -> str:
        """What decisions name: "GB 2026-09-30 + house 2026-11-01"."""
        house = f" + {HOUSE} {self.house_version}" if self.house_version else ""
        return f"{self.pack_id} {self.version}{house}"

    def find(self, key: str) -> Value | None:
        return self.values.get(key)

    def need(self, key: str) -> Value:
        """Raises: PackIncomplete."""
        if key not in self.values:
            raise PackIncomplete(key, self.label)
        return self.values[key]

    def flag(self, key: str, absent: bool = False) -> bool:
        """``absent``: what holds where the pack is silent."""
        return bool(self.values.get(key, absent))

    def integer(self, key: str) -> int | None:
        return self.values.get(key)  # type: ignore[return-value]

    def amount(self, key: str) -> Money | None:
        return self.values.get(key)  # type: ignore[return-value]

    def text(self, key: str) -> str:
        return str(self.values.get(key, ""))

    def texts(self, key: str) -> tuple[str, ...]:
        return self.values.get(key, ())  # type: ignore[return-value]

    def integers(self, key: str) -> tuple[int, ...]:
        return self.values.get(key, ())  # type: ignore[return-value]

    def amounts(self, key: str) -> Mapping[str, Money]:
        """A table of amounts; empty where the pack is silent."""
        return self.values.get(key, {})  # type: ignore[return-value]

    def numbers(self, key: str) -> Mapping[str, int]:
        """A table of whole numbers; empty where the pack is silent."""
        return self.values.get(key, {})  # type: ignore[return-value]

    def table(self, key: str) -> Mapping[str, int] | Mapping[str, Money]:
        return self.values.get(key, {})  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One key of two versions; None where it is not in one of them."""

    key: str
    before: Sourced | None
    after: Sourced | None

    @property
    def same_value(self) -> bool:
        """Only where it comes from, or how well it is known, has changed."""
        return bool(self.before and self.after and self.before.value == self.after.value)


class VersionState(StrEnum):
    """Where one version of a pack is in its life."""

    IN_FORCE = "in force"
    WAITS = "waits for its day"
    SUPERSEDED = "superseded"  # was in force, or a newer one was activated instead
    DUE = "due"  # its day has come, and nobody has activated it
    NOT_ACTIVATED = "not activated"


@dataclass(frozen=True, slots=True)
class ActivationDetails:
    """One version of a pack that was put in force. ``signed_off`` are keys without a seen source, with the reason."""

    id: UUID
    pack_id: str
    version: date
    digest: str
    signed_off: Mapping[str, str]
    in_force_from: datetime
    activated_at: datetime
    activated_by: str
    requested_by: str


@dataclass(frozen=True, slots=True)
class PackVersion:
    """One version and what became of it. ``changed``: the file says something else than what was signed.

    ``players`` live where the pack holds, or would.
    """

    file: PackFile
    state: VersionState
    effective_at: datetime
    activation: ActivationDetails | None
    changed: bool
    players: int
