"""What tests begin with: games, players, money. All through public services."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from uuid import UUID

from kernel.actors import system
from kernel.money import Money
from players.services.registration import Registration, register
from players.types import PlayerDetails
from wallet.services.bets import place_bet
from wallet.services.deposits import request_deposit
from wallet.services.games import upsert_games
from wallet.types import GameCategory, GameDetails, Posting

AT = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
ACTOR = system("test")

_numbers = count(1)


def make_game(
    code: str = "fruits", category: GameCategory = GameCategory.SLOTS, *, exclusive: bool = False, active: bool = True
) -> str:
    """A game; its code."""
    upsert_games([GameDetails(code, code.title(), "Orchard Games", category, Decimal("0.96"), exclusive, active)])
    return code


def make_player(*, at: datetime = AT, currency: str = "EUR", country: str = "DE", **fields: object) -> PlayerDetails:
    """A registered player, unlike all others."""
    number = next(_numbers)
    data = {"email": f"player{number}@example.com", "login": f"player{number}", **fields}
    return register(
        data=Registration(country=country, currency=currency, **data),  # type: ignore[arg-type]
        actor=ACTOR,
        idempotency_key=f"registration-{number}",
        at=at,
    )


def fund(player_id: UUID, amount: str = "100.00", *, currency: str = "EUR", at: datetime = AT) -> None:
    """Deposit through the sandbox provider."""
    request_deposit(
        player_id=player_id,
        amount=Money.parse(amount, currency),
        provider="sandbox",
        instrument="tok_ok",
        source="test",
        idempotency_key=f"deposit-{next(_numbers)}",
        actor=ACTOR,
        at=at,
    )


def bet(
    player_id: UUID,
    stake: str,
    *,
    key: str | None = None,
    game: str = "fruits",
    source: str = "test",
    currency: str = "EUR",
    at: datetime = AT,
) -> Posting:
    """Place a bet under a key of its own."""
    key = key or f"bet-{next(_numbers)}"
    return place_bet(
        player_id=player_id,
        source=source,
        idempotency_key=key,
        game=game,
        round_id=f"round-{key}",
        stake=Money.parse(stake, currency),
        actor=ACTOR,
        at=at,
    )
