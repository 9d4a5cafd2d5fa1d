"""Bets and rollbacks as the wallet publishes them, for tests that need many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from events.catalogue.base import Event
from events.catalogue.wallet import BetPlaced, BetRolledBack
from events.services.log import holding, publish
from kernel.ids import uuid7
from tests.factories import AT


def bet_placed(
    player_id: UUID,
    stake: str | Decimal,
    *,
    category: str = "slots",
    exclusive: bool = False,
    bonus: str = "0.00",
    at: datetime = AT,
) -> BetPlaced:
    """A bet of ``stake`` real euros, and ``bonus`` beside it."""
    real = Decimal(stake)
    return BetPlaced(
        player_id=player_id,
        occurred_at=at,
        bet_id=uuid7(),
        round="round",
        game="fruits",
        category=category,
        exclusive=exclusive,
        stake=real + Decimal(bonus),
        real=real,
        bonus=Decimal(bonus),
        real_eur=real,
        currency="EUR",
    )


def rolled_back(bet: BetPlaced, *, at: datetime = AT) -> BetRolledBack:
    return BetRolledBack(
        player_id=bet.player_id,
        occurred_at=at,
        rollback_id=uuid7(),
        bet_id=bet.bet_id,
        round=bet.round,
        game=bet.game,
        category=bet.category,
        exclusive=bet.exclusive,
        stake=bet.stake,
        real=bet.real,
        bonus=bet.bonus,
        real_eur=bet.real_eur,
        won_real=Decimal("0.00"),
        won_bonus=Decimal("0.00"),
        jackpot_contribution=Decimal("0.00"),
        currency=bet.currency,
    )


def tell(*events: Event) -> list[UUID | None]:
    """Publish these in one transaction; their ids."""
    with holding(*{event.player_id for event in events if event.player_id}):
        return [publish(event) for event in events]


def tell_in_parts(events: Sequence[Event], size: int = 500) -> None:
    for start in range(0, len(events), size):
        tell(*events[start : start + size])
