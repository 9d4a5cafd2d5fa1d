"""The rules that apply to a player, as the gate reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kernel.errors import DomainError
from kernel.money import Money


class PackIncomplete(DomainError):
    """The gate needs a value that the pack does not have: the answer is no."""

    code = "pack_incomplete"
    title = "The jurisdiction's rules do not say this"
    status = 503

    def __init__(self, key: str) -> None:
        super().__init__(f"The pack has no value for {key}: complete and activate it.", key=key)
        self.key = key


@dataclass(frozen=True, slots=True)
class EffectivePack:
    """One version of one pack, tightened by the house policy. ``valid_until``: when the next version takes effect."""

    pack_id: str
    version: str
    house_version: str
    timezone: str
    currency: str
    valid_from: datetime | None
    valid_until: datetime | None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        house = f" house {self.house_version}" if self.house_version else ""
        return f"{self.pack_id} {self.version}{house}"

    def find(self, key: str) -> Any:
        return self.values.get(key)

    def need(self, key: str) -> Any:
        """Raises: PackIncomplete."""
        if key not in self.values:
            raise PackIncomplete(key)
        return self.values[key]

    def flag(self, key: str) -> bool:
        return bool(self.find(key))

    def integer(self, key: str) -> int | None:
        return self.find(key)  # type: ignore[no-any-return]

    def amount(self, key: str) -> Money | None:
        return self.find(key)  # type: ignore[no-any-return]

    def text(self, key: str) -> str:
        return self.find(key) or ""

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(self.find(key) or ())

    def table(self, key: str) -> Mapping[str, Any]:
        return self.find(key) or {}
