"""The game catalogue."""

from __future__ import annotations

from collections.abc import Iterable

from wallet.models import Game
from wallet.types import GameDetails


def upsert_games(games: Iterable[GameDetails]) -> int:
    """Add games, or bring known codes up to date; how many were given."""
    rows = [
        Game(
            code=game.code,
            name=game.name,
            provider=game.provider,
            category=game.category,
            rtp=game.rtp,
            exclusive=game.exclusive,
            active=game.active,
        )
        for game in games
    ]
    Game.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "provider", "category", "rtp", "exclusive", "active"],
    )
    return len(rows)
