"""Ports of bonuses: what higher floors know, and game providers that run free spins themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from kernel.money import Money

LevelScale = Callable[[str, datetime], Decimal]

_scales: list[LevelScale] = []


def register_level_scale(scale: LevelScale) -> None:
    """``scale`` gives the multiplier of a loyalty level at a moment. Raises: ValueError when there is one already."""
    if _scales:
        raise ValueError("the multipliers of levels are registered already")
    _scales.append(scale)


def level_scale(level: str, at: datetime) -> Decimal:
    """By how much an offer that scales with the level multiplies; 1 for a level that nobody knows."""
    return _scales[0](level, at) if _scales and level else Decimal(1)


class SpinsProvider(Protocol):
    """A game provider that keeps free spins on its own side, so that its games show and run them."""

    name: str

    def serves(self, game: str) -> bool:
        """Whether the game is this provider's."""
        ...

    def hand_out(
        self, *, grant_id: UUID, player_id: UUID, games: tuple[str, ...], spins: int, value: Money, until: datetime
    ) -> None:
        """Tell the provider; ``grant_id`` is its idempotency key. Raises: SpinsProviderUnavailable: asked again later."""
        ...

    def take_back(self, *, grant_id: UUID) -> None:
        """They were forfeited or have run out. Raises: SpinsProviderUnavailable."""
        ...


class SpinsProviderUnavailable(RuntimeError):
    """The provider does not answer, or not in a way that can be understood."""


_providers: dict[str, SpinsProvider] = {}


def register_spins_provider(provider: SpinsProvider) -> None:
    """Raises: ValueError when another one has the name."""
    if provider.name in _providers:
        raise ValueError(f"two providers of free spins are named {provider.name}")
    _providers[provider.name] = provider


def list_spins_providers() -> list[SpinsProvider]:
    return [_providers[name] for name in sorted(_providers)]
