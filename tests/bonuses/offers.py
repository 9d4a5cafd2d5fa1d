"""Offers for tests: written, released by a second hand, and the log worked through."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from bonuses.selectors import get_offer
from bonuses.services.offers import ask_for_release, parse_rule, write_version
from bonuses.types import OfferDetails
from compliance.selectors import get_approval
from compliance.services.approvals import approve
from kernel.actors import Actor, ActorKind
from tests.consumers import catch_up
from tests.factories import AT

MAKER = Actor(ActorKind.STAFF, "901", frozenset({"bonuses.write_offers", "bonuses.stop_offers", "bonuses.make_codes"}))
CHECKER = Actor(ActorKind.STAFF, "902", frozenset({"bonuses.release_offers"}))
_numbers = count(1)

MATCH: dict[str, Any] = {
    "trigger": {"kind": "deposit", "nth": 1},
    "award": {"kind": "deposit_match", "percent": "100", "cap": {"EUR": "100.00"}, "min_deposit": {"EUR": "10.00"}},
    "wagering": {"multiple": "10", "days": 30, "contribution": {"table": "10", "live": "0"}},
    "titles": {"en": "Welcome bonus"},
}
GIFT: dict[str, Any] = {
    "trigger": {"kind": "manual"},
    "award": {"kind": "fixed", "amount": {"EUR": "10.00"}},
    "wagering": {"multiple": "5", "days": 7},
    "eligibility": {"per_player": 0},
    "titles": {"en": "A gift"},
}
SPINS: dict[str, Any] = {
    "trigger": {"kind": "manual"},
    "award": {"kind": "free_spins", "spins": 10, "spin_value": {"EUR": "0.50"}},
    "wagering": {"multiple": "3", "days": 7},
    "titles": {"en": "Ten spins"},
}


def merged(rule: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The rule with parts of it changed: {"wagering": {"multiple": "2"}}."""
    out = dict(rule)
    for name, value in changes.items():
        out[name] = {**out.get(name, {}), **value} if isinstance(value, dict) else value
    return out


def live_offer(rule: dict[str, Any] = MATCH, code: str = "", **changes: Any) -> OfferDetails:
    """An offer in force."""
    code = code or f"offer-{next(_numbers)}"
    version = write_version(
        code=code, name=code.title(), rule=parse_rule(json.dumps(merged(rule, changes))), actor=MAKER, at=AT
    )
    approval_id = ask_for_release(
        version_id=version.id, comment="for a test", idempotency_key=f"{version.id}", actor=MAKER, at=AT
    )
    approve(approval_id=approval_id, seen_digest=get_approval(approval_id).digest, comment="fine", actor=CHECKER, at=AT)
    return get_offer(code)


def work(*names: str) -> None:
    """Let the consumers of bonuses read what is in the log, until nothing is left."""
    for name in names or (
        "bonuses.triggers",
        "bonuses.wagering",
        "bonuses.play",
        "bonuses.triggers",
        "bonuses.wagering",
    ):
        catch_up(name)
