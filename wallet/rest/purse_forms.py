"""Forms of free spins, tournaments, rounds and jackpots on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from wallet.rest.forms import Amount, BetKey, Currency, PostingAnswer, Reference
from wallet.types import GameCategory

Tournament = Annotated[
    str, Meta(description="The tournament's name, 1 to 80 characters.", extra_json_schema={"maxLength": 80})
]


class RoundClose(msgspec.Struct, forbid_unknown_fields=True):
    """The end of a round."""

    player_id: UUID
    game: Reference
    round: Reference


class JackpotWin(msgspec.Struct, forbid_unknown_fields=True):
    """A jackpot that a bet or free bet has won."""

    player_id: UUID
    bet_key: BetKey
    jackpot: Reference
    amount: Amount
    currency: Currency


class FreeBet(msgspec.Struct, forbid_unknown_fields=True):
    """A round that is played with free spins: one, or with a ``value`` as many as that is worth."""

    player_id: UUID
    game: Reference
    round: Reference
    currency: Currency
    value: Amount = "0"


class Winnings(msgspec.Struct, forbid_unknown_fields=True):
    """The bonus purse that wins go to."""

    stake_cap: Annotated[str | None, Meta(description="Largest stake that draws on it, in major units.")] = None
    game_categories: Annotated[list[GameCategory], Meta(description="None: all games.")] = []
    active_until: datetime | None = None


class FreeSpinsGrant(msgspec.Struct, forbid_unknown_fields=True):
    """Free spins for a player. Without ``winnings``, what they win is real money."""

    player_id: UUID
    spins: Annotated[int, Meta(ge=1, le=10_000)]
    spin_value: Amount
    currency: Currency
    games: Annotated[list[str], Meta(description="Codes; none: all games.", max_length=200)] = []
    active_until: datetime | None = None
    winnings: Winnings | None = None


class GrantAnswer(PostingAnswer):
    """What became of the grant, and the purse that holds the spins."""

    purse_id: UUID


class FreeSpinsEnd(msgspec.Struct, forbid_unknown_fields=True):
    """Free spins that are taken back: what is left of a purse."""

    player_id: UUID
    purse_id: UUID


class BuyIn(msgspec.Struct, forbid_unknown_fields=True):
    """What a player pays into a tournament; the fee of the rule in force comes on top."""

    player_id: UUID
    tournament: Tournament
    amount: Amount
    currency: Currency


class Settlement(msgspec.Struct, forbid_unknown_fields=True):
    """The end of a player's part in a tournament; a ``prize`` of zero is none."""

    player_id: UUID
    tournament: Tournament
    prize: Amount
    currency: Currency


class Refund(msgspec.Struct, forbid_unknown_fields=True):
    """A tournament that is cancelled, for one player."""

    player_id: UUID
    tournament: Tournament
