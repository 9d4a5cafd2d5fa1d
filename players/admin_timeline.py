"""The event log of one player in words that staff use. What has no words here is shown by its wire name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from events.selectors import list_player_events
from kernel.display import human

PAGE = 50

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline."""

    id: UUID
    at: datetime
    area: str
    tone: str
    text: str


def _amount(payload: Payload, name: str = "amount") -> str:
    return f"{payload[name]} {payload['currency']}"


def _setting(payload: Payload) -> str:
    return f"{human(payload['name'])} changed by {payload['actor']}"


def _status(payload: Payload) -> str:
    return f"Status {payload['from_status']} → {payload['to_status']}: {payload['reason']}"


def _restricted(payload: Payload) -> str:
    until = f" until {payload['active_until'][:16].replace('T', ' ')} UTC" if payload["active_until"] else ""
    return f"{human(payload['kind'])} imposed by {payload['source']}{until}"


def _label(payload: Payload) -> str:
    name = f"{payload['namespace']}.{payload['key']}"
    return f"Label {name} is now {payload['to_value']}" if payload["to_value"] else f"Label {name} taken off"


def _registered(payload: Payload) -> str:
    source = f", came from {payload['source']}" if payload["source"] else ""
    return f"Registered in {payload['country']} with an account in {payload['currency']}{source}"


def _consent(payload: Payload) -> str:
    verb = "Agreed to" if payload["granted"] else "Said no to"
    return f"{verb} marketing of {human(payload['product']).lower()} by {human(payload['channel']).lower()}"


def _points(payload: Payload) -> str:
    return f"{payload['points']:+,} points, now {payload['balance']:,}"


# Wire name → area, tone, words.
_WORDS: dict[str, tuple[str, str, Callable[[Payload], str]]] = {
    "players.player-registered.v1": ("Account", "accent", _registered),
    "players.player-status-changed.v1": ("Account", "warn", _status),
    "players.setting-changed.v1": ("Account", "", _setting),
    "players.label-changed.v1": ("Account", "", _label),
    "players.restriction-imposed.v1": ("Restriction", "bad", _restricted),
    "players.restriction-lifted.v1": ("Restriction", "good", lambda p: f"{human(p['kind'])} lifted"),
    "players.session-started.v1": (
        "Login",
        "",
        lambda p: f"Logged in by {p['methods'].replace('+', ' and ')}{' from a new device' if p['new_device'] else ''}",
    ),
    "players.session-ended.v1": ("Login", "", lambda p: f"Session ended: {human(p['reason']).lower()}"),
    "players.login-locked.v1": (
        "Login",
        "bad",
        lambda p: f"Too many failed logins: locked for {p['seconds'] // 60} minutes",
    ),
    "players.security-changed.v1": ("Account", "warn", lambda p: f"{human(p['change'])}, by {p['actor']}"),
    "players.consent-changed.v1": ("Account", "", _consent),
    "wallet.deposit-requested.v1": ("Deposit", "", lambda p: f"Deposit of {_amount(p)} requested at {p['provider']}"),
    "wallet.deposit-made.v1": ("Deposit", "good", lambda p: f"Deposit of {_amount(p)} made (number {p['number']})"),
    "wallet.deposit-failed.v1": ("Deposit", "bad", lambda p: f"Deposit of {_amount(p)} failed: {human(p['reason'])}"),
    "wallet.instrument-registered.v1": (
        "Account",
        "warn",
        lambda p: f"Means of payment at {p['provider']} named to be paid to, by {p['actor']}",
    ),
    "wallet.bet-placed.v1": ("Play", "", lambda p: f"Bet {_amount(p, 'stake')} on {p['game']}"),
    "wallet.win-credited.v1": ("Play", "good", lambda p: f"Won {_amount(p)} on {p['game']}"),
    "wallet.bet-rolled-back.v1": ("Play", "bad", lambda p: f"Bet of {_amount(p, 'stake')} on {p['game']} rolled back"),
    "loyalty.points-accrued.v1": ("Loyalty", "", _points),
    "loyalty.level-changed.v1": (
        "Loyalty",
        "accent",
        lambda p: f"Level {human(p['from_level'])} → {human(p['to_level'])} ({human(p['reason'])})",
    ),
    "loyalty.level-held.v1": ("Loyalty", "warn", lambda p: f"Level {p['kind']} {p['level']}".rstrip()),
    "loyalty.level-hold-ended.v1": ("Loyalty", "", lambda p: "The level moves by itself again"),
    "loyalty.programme-joined.v1": ("Loyalty", "", lambda p: f"Joined the programme {human(p['programme'])}"),
    "loyalty.points-added.v1": ("Loyalty", "", lambda p: f"{human(p['kind'])} of {p['points']:+,} points"),
    "loyalty.points-held.v1": ("Loyalty", "", lambda p: f"{p['points']:,} points set aside for {human(p['item'])}"),
    "loyalty.points-released.v1": (
        "Loyalty",
        "warn",
        lambda p: f"{p['points']:,} points are back ({human(p['reason'])})",
    ),
    "loyalty.points-redeemed.v1": (
        "Loyalty",
        "good",
        lambda p: f"{p['points']:,} points redeemed for {human(p['item'])}",
    ),
    "loyalty.points-expiring.v1": (
        "Loyalty",
        "warn",
        lambda p: f"{p['points']:,} points expire in {p['days']} days",
    ),
    "loyalty.points-expired.v1": ("Loyalty", "bad", lambda p: f"{p['points']:,} points expired"),
}


def list_happenings(player_id: UUID, before: UUID | None) -> list[Happening]:
    """The newest events of a player, newest first, older than ``before``; at most one page."""
    lines = []
    for event in list_player_events(player_id, before=before, limit=PAGE):
        area, tone, words = _WORDS.get(event.type, ("Other", "", lambda payload: ""))
        text = words(event.payload) or event.type
        lines.append(Happening(event.id, event.occurred_at, area, tone, text))
    return lines
