"""Programmes in force for tests: the standard one with changes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from loyalty.models import ProgrammeVersion
from tests.bonuses.offers import GIFT, SPINS, live_offer
from tests.factories import AT

POINTS: dict[str, Any] = GIFT | {
    "award": {"kind": "points_redemption", "cap": {"EUR": "500.00"}},
    "wagering": {"multiple": "0"},
    "eligibility": {"per_player": 0},
    "titles": {"en": "Free play for points"},
}
ITEMS: list[dict[str, Any]] = [
    {"code": "free-play", "name": "Free play", "offer": "free-play", "points": 1000, "value": {"EUR": "10.00"},
     "approve_from_points": 20_000},
    {"code": "spins", "name": "Ten free spins", "offer": "point-spins", "points": 500, "max_steps": 1},
    {"code": "gold-only", "name": "For gold", "offer": "free-play", "points": 100, "value": {"EUR": "5.00"},
     "levels": ["gold", "platinum"]},
]  # fmt: skip


def standard(*, at: datetime = AT - timedelta(days=365), **changes: Any) -> None:
    """A new version of the standard programme, in force from ``at`` on."""
    newest = ProgrammeVersion.objects.filter(programme_id="standard").order_by("-number")[0]
    rule = newest.rule | changes
    ProgrammeVersion.objects.create(
        programme_id="standard", number=newest.number + 1, rule=rule, state="released", created_by="test", created_at=at,
        digest=sha256(json.dumps(rule).encode()).digest(), released_at=at, active_from=at,
    )  # fmt: skip


def with_items(**changes: Any) -> None:
    """1,000 points are 10 EUR of free play, 500 are ten free spins; and something for gold."""
    live_offer(POINTS, code="free-play")
    live_offer(SPINS, code="point-spins", eligibility={"per_player": 0})
    standard(items=ITEMS, **changes)
