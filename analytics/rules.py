"""What each event adds to the figures of its day: counts, and amounts in major units of the event's currency."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from events.catalogue.base import Event
from events.catalogue.players import PlayerRegistered
from events.catalogue.wallet import BetPlaced, BetRolledBack, DepositFailed, DepositMade, WinCredited
from events.catalogue.wallet_purses import JackpotContributed

Figures = dict[str, int | Decimal]
Payload = Mapping[str, Any]


def _bet_placed(bet: Payload) -> Figures:
    return {"bets": 1, "stakes": Decimal(bet["stake"]), "stakes_real": Decimal(bet["real"])}


def _win_credited(win: Payload) -> Figures:
    return {"wins_count": 1, "wins": Decimal(win["amount"]), "wins_real": Decimal(win["real"])}


def _bet_rolled_back(bet: Payload) -> Figures:
    """Stakes and wins are taken out today: the day of the bet stays as it was reported."""
    won_real = Decimal(bet["won_real"])
    return {
        "rollbacks": 1,
        "rolled_back": Decimal(bet["stake"]),
        "stakes": -Decimal(bet["stake"]),
        "stakes_real": -Decimal(bet["real"]),
        "wins": -(won_real + Decimal(bet["won_bonus"])),
        "wins_real": -won_real,
        "jackpot_contributions": -Decimal(bet["jackpot_contribution"]),
    }


def _deposit_made(deposit: Payload) -> Figures:
    return {"deposits": 1, "deposited": Decimal(deposit["amount"])}


FIGURES: dict[type[Event], Callable[[Payload], Figures]] = {
    PlayerRegistered: lambda player: {"registrations": 1},
    BetPlaced: _bet_placed,
    WinCredited: _win_credited,
    BetRolledBack: _bet_rolled_back,
    # Jackpot wins are paid from these: they are no wins, and lower nothing a second time.
    JackpotContributed: lambda share: {"jackpot_contributions": Decimal(share["amount"])},
    DepositMade: _deposit_made,
    DepositFailed: lambda deposit: {"deposits_failed": 1},
}

_BY_WIRE_NAME = {event.wire_name: figures for event, figures in FIGURES.items()}


def figures_of(wire_name: str, payload: Payload) -> Figures:
    """What the event adds. Raises: KeyError for an event that has no figures, or lacks a field."""
    return _BY_WIRE_NAME[wire_name](payload)
