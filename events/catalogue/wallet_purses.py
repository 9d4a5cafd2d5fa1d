"""Events of rounds, jackpots, free spins, tournaments and rake. Written by the wallet's posting functions (wallet/sql)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class RoundSettled(Event):
    """A round takes no more bets. Published once per round, with its figures at that moment, rolled-back bets left out.

    ``net`` is what the player has won less what was staked. What comes later of the round (a late win, a rollback) is
    told by its own event and stands after this one in the log.
    """

    wire_name = "wallet.round-settled.v1"
    round: str
    game: str
    category: str
    source: str
    bets: int
    free_bets: int
    rolled_back: int
    stake: Decimal
    stake_real: Decimal
    stake_bonus: Decimal
    won: Decimal
    won_real: Decimal
    won_bonus: Decimal
    free_won: Decimal
    jackpot_contribution: Decimal
    jackpot_won: Decimal
    rake: Decimal
    net: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class RakeTaken(Event):
    """The house took its commission out of a ``pot``; the win that was credited is the rest."""

    wire_name = "wallet.rake-taken.v1"
    win_id: UUID
    bet_id: UUID
    round: str
    game: str
    pot: Decimal
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class JackpotContributed(Event):
    """A part of a stake went to a jackpot. ``amount`` is what became whole minor units with this bet."""

    wire_name = "wallet.jackpot-contributed.v1"
    bet_id: UUID
    jackpot: str
    round: str
    game: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class JackpotWon(Event):
    """A jackpot paid on a bet, out of its contributions: no part of GGR. ``real`` + ``bonus`` = ``amount``."""

    wire_name = "wallet.jackpot-won.v1"
    win_id: UUID
    bet_id: UUID
    jackpot: str
    round: str
    game: str
    amount: Decimal
    real: Decimal
    bonus: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class PurseOpened(Event):
    """A player has a bonus purse with ``amount`` in it, at the cost of the house."""

    wire_name = "wallet.purse-opened.v1"
    purse_id: UUID
    transfer_id: UUID
    amount: Decimal
    active_until: datetime | None
    currency: str


@dataclass(frozen=True, kw_only=True)
class PurseClosed(Event):
    """A bonus purse was closed. ``amount`` was in it; ``released`` of it became real money, the rest is the house's.

    ``into`` ("real" or "house") is where it was to go; ``expired``: its time was over. ``transfer_id`` is None where
    nothing was left in it.
    """

    wire_name = "wallet.purse-closed.v1"
    purse_id: UUID
    transfer_id: UUID | None
    into: str
    amount: Decimal
    released: Decimal
    expired: bool
    currency: str


@dataclass(frozen=True, kw_only=True)
class FreeSpinsGranted(Event):
    """A player has free spins, worth ``spin_value`` each. Wins go to ``winnings_purse_id``, else to real money."""

    wire_name = "wallet.free-spins-granted.v1"
    purse_id: UUID
    transfer_id: UUID
    spins: int
    spin_value: Decimal
    winnings_purse_id: UUID | None
    currency: str


@dataclass(frozen=True, kw_only=True)
class FreeSpinsEnded(Event):
    """A free-spins purse was closed; ``why`` is forfeited or expired. ``spins_lost`` had not been used."""

    wire_name = "wallet.free-spins-ended.v1"
    purse_id: UUID
    why: str
    spins_lost: int
    winnings_purse_id: UUID | None
    currency: str


@dataclass(frozen=True, kw_only=True)
class TournamentBoughtIn(Event):
    """A player paid into a tournament, for the first time or again (``rebuy``); ``fee`` came on top."""

    wire_name = "wallet.tournament-bought-in.v1"
    transfer_id: UUID
    purse_id: UUID
    tournament: str
    rebuy: bool
    amount: Decimal
    fee: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class TournamentSettled(Event):
    """A player's part in a tournament is over: ``prize`` (zero: none) is real money."""

    wire_name = "wallet.tournament-settled.v1"
    transfer_id: UUID
    purse_id: UUID
    tournament: str
    paid_in: Decimal
    prize: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class TournamentRefunded(Event):
    """A player has back what a tournament has cost: ``amount`` and ``fee`` are real money again."""

    wire_name = "wallet.tournament-refunded.v1"
    transfer_id: UUID
    purse_id: UUID
    tournament: str
    amount: Decimal
    fee: Decimal
    currency: str
