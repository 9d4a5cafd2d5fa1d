"""Reads of loyalty. Standings follow the bets within the consumer's lag."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db.models import Count

from loyalty.models import Level, LevelChange, PointsEntry, Standing
from loyalty.types import EntryKind, LevelChangeDetails, LevelDetails, LoyaltyStanding, PointsEntryDetails
from players.selectors import get_player


def list_levels() -> list[LevelDetails]:
    """From the lowest to the highest."""
    return [_level(row) for row in Level.objects.order_by("threshold_eur")]


def get_first_level() -> LevelDetails:
    """Where every player begins."""
    return list_levels()[0]


def get_standing(player_id: UUID) -> LoyaltyStanding:
    """Where the player stands; zeros at the first level before the first bet. Raises: UnknownPlayer."""
    player = get_player(player_id)
    levels = list_levels()
    row = Standing.objects.filter(player_id=player_id).first()
    turnover = row.turnover_eur if row else Decimal(0)
    place = next(i for i, level in enumerate(levels) if row is None or level.code == row.level_id)
    following = levels[place + 1] if place + 1 < len(levels) else None
    return LoyaltyStanding(
        player_id=player_id,
        level=levels[place],
        level_since=(row and row.level_since) or player.registered_at,
        points=row.points if row else 0,
        turnover_eur=turnover,
        next_level=following,
        to_next_eur=following.threshold_eur - turnover if following else None,
    )


def list_points_entries(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[PointsEntryDetails]:
    """A player's points ledger, newest first, older than the entry ``before``."""
    rows = PointsEntry.objects.filter(player_id=player_id)
    if before:
        rows = rows.filter(id__lt=before)
    return [
        PointsEntryDetails(
            id=row.id,
            bet_id=row.bet_id,
            kind=EntryKind(row.kind),
            turnover_eur=row.turnover_eur,
            coefficient=row.coefficient,
            multiplier=row.multiplier,
            earned=row.earned,
            points=row.points,
            balance_after=row.balance_after,
            occurred_at=row.occurred_at,
        )
        for row in rows.order_by("-id")[:limit]
    ]


def list_level_changes(player_id: UUID, limit: int = 50) -> list[LevelChangeDetails]:
    """Newest first."""
    return [
        LevelChangeDetails(row.from_level_id, row.to_level_id, row.turnover_eur, row.changed_at)
        for row in LevelChange.objects.filter(player_id=player_id).order_by("-id")[:limit]
    ]


def count_players_by_level() -> dict[str, int]:
    """Players who have bet, by the code of their level; every level is there, the lowest first."""
    counts = dict(Standing.objects.values_list("level_id").annotate(players=Count("player_id")))
    return {level.code: counts.get(level.code, 0) for level in list_levels()}


def _level(row: Level) -> LevelDetails:
    return LevelDetails(
        code=row.code,
        name=row.name,
        order=row.order,
        threshold_eur=row.threshold_eur,
        multiplier=row.multiplier,
        cashback=row.cashback,
        privileges=tuple(row.privileges),
    )


def find_multiplier(level: str) -> Decimal:
    """By how much a level multiplies points, and bonuses whose offer says so; 1 for a level that is not there."""
    return Level.objects.filter(code=level).values_list("multiplier", flat=True).first() or Decimal(1)
