"""How many players an offer could reach: one bounded statement over accounts and labels."""

from __future__ import annotations

from bonuses.types_offer import OfferRule
from kernel.db import fetch_one

MOST = 100_000


def count_reach(rule: OfferRule) -> int:
    """Active players who fit the offer's currencies, jurisdictions, labels and confirmation now; MOST at most.

    Caps, budgets, deposits and what compliance says are not in it.
    """
    fit = rule.eligibility
    where = ["player.status = 'active'", "player.currency = ANY(%(currencies)s)"]
    values: dict[str, object] = {"currencies": sorted(rule.currencies), "most": MOST}
    if fit.jurisdictions:
        where.append("(player.country = ANY(%(places)s) OR player.country || '-' || player.region = ANY(%(places)s))")
        values["places"] = fit.jurisdictions
    if fit.confirmed_only:
        where.append("player.confirm_status = 'confirmed'")
    for number, (label, allowed) in enumerate(sorted(fit.labels.items())):
        namespace, _, key = label.partition(".")
        where.append(
            "EXISTS (SELECT FROM players_label label WHERE label.player_id = player.id"
            f" AND label.namespace = %(space{number})s AND label.key = %(key{number})s AND label.value = ANY(%(of{number})s))"
        )
        values |= {f"space{number}": namespace, f"key{number}": key, f"of{number}": allowed}
    count: int = fetch_one(
        f"SELECT count(*) FROM (SELECT FROM players_player player WHERE {' AND '.join(where)} LIMIT %(most)s) reached",
        values,
    )[0]
    return count
