"""What the casino has besides plain bets: fees, jackpots, free spins for newcomers. Known at every start, again and again."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from kernel.actors import Actor
from kernel.money import Money
from pms.casino.games import CasinoGame, catalogue
from wallet.services.fees import ensure_fee_rule
from wallet.services.free_spins import grant_free_spins
from wallet.services.jackpots import ensure_jackpot
from wallet.types import GameCategory, PurseTerms
from wallet.types_purses import FeeKind, FeeTerms, FreeSpinsTerms, JackpotShare

CURRENCY = "EUR"
JACKPOT_RATE = Decimal("0.0125")  # of stakes at the games below
JACKPOT_ODDS = 1 / 4_000  # of a bet that pays in
JACKPOTS = {"orchard-mega": "Orchard Mega", "orchard-mini": "Orchard Mini"}
_JACKPOT_GAMES = 12
_FREE_SPIN_GAMES = 3
SPINS, SPIN_VALUE = 10, Money(20, CURRENCY)


def ensure_extras(at: datetime) -> None:
    """Fee rules and jackpots of the invented casino; what is there stays."""
    for code, name in JACKPOTS.items():
        ensure_jackpot(code=code, name=name, currency=CURRENCY)
    for terms in (
        FeeTerms(FeeKind.WITHDRAWAL, CURRENCY, fixed_minor=100),
        FeeTerms(FeeKind.WITHDRAWAL, CURRENCY, level="platinum"),
        FeeTerms(FeeKind.TOURNAMENT_BUY_IN, CURRENCY, percent=Decimal(10)),
        FeeTerms(FeeKind.RAKE, CURRENCY, percent=Decimal(5), most_minor=300),
    ):
        ensure_fee_rule(terms=terms, at=at)


def contributions(game: CasinoGame, stake_minor: int) -> tuple[JackpotShare, ...]:
    """What a stake at this game gives to jackpots."""
    slots = [one for one in catalogue() if one.details.category is GameCategory.SLOTS][:_JACKPOT_GAMES]
    if game not in slots:
        return ()
    code = list(JACKPOTS)[slots.index(game) % len(JACKPOTS)]
    return (JackpotShare(code, Money(stake_minor, CURRENCY).major * JACKPOT_RATE),)


def draw_jackpot(random: Random, stake_minor: int) -> Money | None:
    """What a bet that pays in wins of the jackpot, mostly nothing."""
    return Money(stake_minor * random.randrange(20, 80), CURRENCY) if random.random() < JACKPOT_ODDS else None


def welcome(player_id: UUID, *, source: str, key: str, actor: Actor, at: datetime) -> None:
    """Free spins for a newcomer, good for a week; what they win is bonus money for slots."""
    games = tuple(one.code for one in catalogue()[:_FREE_SPIN_GAMES])
    terms = FreeSpinsTerms(
        SPINS,
        SPIN_VALUE,
        games,
        at + timedelta(days=7),
        PurseTerms(stake_cap=Money(500, CURRENCY), game_categories=(GameCategory.SLOTS,)),
    )
    grant_free_spins(
        player_id=player_id, terms=terms, source=source, idempotency_key=f"{key}.welcome", actor=actor, at=at
    )
