"""What service clients may do, by name."""

from __future__ import annotations

from collections.abc import Iterable

SCOPES = {
    "players:read": "Read players, their restrictions and labels",
    "players:personal": "See names, contact, birth date and place of players unshortened",
    "players:write": "Register and change players, their status and restrictions",
    "players:status": "Change the status of accounts",
    "restrictions:write": "Impose and lift restrictions",
    "wallet:read": "Read balances, transactions, deposits, withdrawals, instruments and games",
    "wallet:write": "Move money: deposits, withdrawals, plays, bets, wins, rollbacks; grant free spins; game sessions",
    "bets:write": "Plays, bets, holds, wins, rollbacks, rounds, jackpots and tournaments",
    "payments:write": "Deposits, withdrawals and payment instruments",
    "game-sessions:write": "Start and revoke game sessions",
    "compliance:read": "Read approvals, decisions, limits, exclusions, register checks, verification and sessions of play",
    "compliance:write": "Set limits, exclude players, open verification cases, acknowledge reality checks",
    "loyalty:read": "Read programmes, levels, points and redemptions",
    "loyalty:write": "Add points, redeem them, force and freeze levels",
    "bonuses:read": "Read offers, players' bonuses, codes and lists",
    "bonuses:write": "Write and pause offers, give and take bonuses, make codes, award lists",
}
# Whoever has the wide scope may do what the narrow ones allow.
IMPLIED = {
    "players:write": {"players:status", "restrictions:write"},
    "wallet:write": {"bets:write", "payments:write", "game-sessions:write"},
}


def with_implied(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes, and those that they bring with them."""
    given = frozenset(scopes)
    return given.union(*(IMPLIED.get(scope, ()) for scope in given))
