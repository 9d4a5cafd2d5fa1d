"""What the invented casino gives its players: one offer of each kind. Known at every start; what is there stays."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from bonuses.services.offers import ensure_offer, parse_rule
from loyalty.services.programmes import ensure_items

OFFERS: dict[str, tuple[str, dict[str, Any]]] = {
    "welcome": (
        "Welcome bonus",
        {
            "trigger": {"kind": "deposit", "nth": 1},
            "award": {
                "kind": "deposit_match",
                "percent": "100",
                "cap": {"EUR": "100.00"},
                "min_deposit": {"EUR": "10.00"},
            },
            "wagering": {
                "multiple": "10",
                "days": 60,
                "contribution": {"table": "10", "live": "10"},
                "max_stake": {"EUR": "5.00"},
                "max_conversion": {"EUR": "500.00"},
            },
            "eligibility": {"per_household": 1, "per_device": 1},
            "budget": {"per_day_eur": "5000", "grants_per_hour": 500},
            "stacking": "queue",
            "public": False,
            "titles": {
                "en": "100 % on the first deposit",
                "de": "100 % auf die erste Einzahlung",
                "sv": "100 % på första insättningen",
            },
        },
    ),
    "monday-cashback": (
        "Monday cashback",
        {
            "trigger": {"kind": "schedule", "weekday": 0, "hour": 6},
            "award": {
                "kind": "cashback",
                "percent": "5",
                "percent_by_level": {"gold": "10", "platinum": "15"},
                "cap": {"EUR": "200.00"},
                "window_days": 7,
            },
            "eligibility": {"per_player": 0},
            "budget": {"per_day_eur": "10000"},
            "titles": {"en": "Cashback of the week", "de": "Cashback der Woche", "sv": "Veckans cashback"},
        },
    ),
    "birthday-spins": (
        "Birthday spins",
        {
            "trigger": {"kind": "birthday"},
            "award": {"kind": "free_spins", "spins": 20, "spin_value": {"EUR": "0.20"}, "spin_days": 7},
            "wagering": {"multiple": "5", "days": 60},
            "eligibility": {"per_player": 0, "confirmed_only": True},
            "stacking": "queue",
            "claim": "player",
            "titles": {"en": "Happy birthday", "de": "Alles Gute zum Geburtstag", "sv": "Grattis på födelsedagen"},
        },
    ),
    "come-back": (
        "Come back",
        {
            "trigger": {"kind": "inactivity", "days": 30},
            "award": {"kind": "fixed", "amount": {"EUR": "10.00"}},
            "wagering": {"multiple": "10", "days": 60, "max_stake": {"EUR": "5.00"}},
            "eligibility": {"per_player": 2},
            "budget": {"total_eur": "5000", "per_day_eur": "250"},
            "stacking": "queue",
            "claim": "player",
            "titles": {"en": "We have missed you", "de": "Wir haben Sie vermisst", "sv": "Vi har saknat dig"},
        },
    ),
    "reload-code": (
        "Reload by code",
        {
            "trigger": {"kind": "code"},
            "award": {
                "kind": "deposit_match",
                "percent": "50",
                "cap": {"EUR": "50.00"},
                "min_deposit": {"EUR": "20.00"},
            },
            "wagering": {"multiple": "8", "days": 60, "contribution": {"table": "10", "live": "10"}},
            "eligibility": {"per_player": 4},
            "stacking": "queue",
            "titles": {"en": "50 % with a code", "de": "50 % mit Code", "sv": "50 % med kod"},
        },
    ),
    "points-free-play": (
        "Free play for points",
        {
            "trigger": {"kind": "manual"},
            "award": {"kind": "points_redemption", "cap": {"EUR": "500.00"}},
            "wagering": {"multiple": "1", "days": 60},
            "eligibility": {"per_player": 0},
            "stacking": "queue",
            "titles": {
                "en": "Free play for points",
                "de": "Freispielguthaben für Punkte",
                "sv": "Fritt spel för poäng",
            },
        },
    ),
    "points-spins": (
        "Free spins for points",
        {
            "trigger": {"kind": "manual"},
            "award": {"kind": "free_spins", "spins": 20, "spin_value": {"EUR": "0.20"}, "spin_days": 7},
            "wagering": {"multiple": "1", "days": 60},
            "eligibility": {"per_player": 0},
            "stacking": "queue",
            "titles": {"en": "Free spins for points", "de": "Freispiele für Punkte", "sv": "Gratissnurr för poäng"},
        },
    ),
    "goodwill": (
        "Goodwill",
        {
            "trigger": {"kind": "manual"},
            "award": {"kind": "fixed", "amount": {"EUR": "5.00"}},
            "eligibility": {"per_player": 5},
            "budget": {"per_day_eur": "500"},
            "titles": {"en": "With our apologies", "de": "Mit der Bitte um Entschuldigung", "sv": "Med vår ursäkt"},
        },
    ),
    "goodwill-code": (
        "Goodwill by code",
        {
            "trigger": {"kind": "code"},
            "award": {"kind": "fixed", "amount": {"EUR": "5.00"}},
            "eligibility": {"per_player": 5},
            "budget": {"per_day_eur": "500"},
            "titles": {"en": "A small gift", "de": "Ein kleines Geschenk", "sv": "En liten gåva"},
        },
    ),
}


# What points buy in the standard programme.
ITEMS: list[dict[str, Any]] = [
    {"code": "free-play", "name": "Free play", "offer": "points-free-play", "points": 1000, "value": {"EUR": "10.00"},
     "max_steps": 50, "approve_from_points": 5000},
    {"code": "free-spins", "name": "20 free spins", "offer": "points-spins", "points": 400, "max_steps": 1},
]  # fmt: skip


def ensure_offers(at: datetime) -> None:
    """Every offer in force, and what points buy; what is there, changed or stopped by staff, stays as it is."""
    for code, (name, rule) in OFFERS.items():
        ensure_offer(code=code, name=name, rule=parse_rule(json.dumps(rule)), at=at)
    ensure_items(items=ITEMS, at=at)
