"""What offers cost in a period, by offer and currency: sums over grants, one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.db import fetch_all
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class CostLine:
    """Bonuses of one offer in one currency, granted in a period, as they stand now.

    ``given`` is bonus money; ``spins`` free spins, worth ``spins_worth``. ``redeemed`` became real money: that is the cost.
    ``lapsed`` bonuses were forfeited or have expired; ``open_amount`` is in purses still.
    """

    offer: str
    name: str
    grants: int
    given: Money
    spins: int
    spins_worth: Money
    redeemed_grants: int
    redeemed: Money
    lapsed_grants: int
    open_grants: int
    open_amount: Money


def list_costs(*, since: datetime, until: datetime) -> list[CostLine]:
    """By offer and currency; those granted from ``since`` until before ``until``."""
    rows = fetch_all(
        """
        SELECT offer.code, offer.name, g.currency, count(*) AS grants, sum(g.amount_minor) AS given, sum(g.spins) AS spins,
               sum(g.spins * g.spin_value_minor) AS spins_worth,
               count(*) FILTER (WHERE g.state = 'redeemed') AS redeemed_grants, coalesce(sum(g.outcome_minor), 0) AS redeemed,
               count(*) FILTER (WHERE g.state IN ('forfeited', 'expired')) AS lapsed,
               count(*) FILTER (WHERE g.state IN ('offered', 'queued', 'active')) AS open_grants,
               coalesce(sum(purse.balance_minor) FILTER (WHERE g.state = 'active'), 0) AS open_amount
        FROM bonuses_grant g
        JOIN bonuses_offer offer ON offer.id = g.offer_id
        LEFT JOIN wallet_account purse ON purse.id = g.purse_id AND purse.closed_at IS NULL
        WHERE g.granted_at >= %(since)s AND g.granted_at < %(until)s
        GROUP BY offer.code, offer.name, g.currency ORDER BY offer.code, g.currency
        """,
        {"since": since, "until": until},
    )
    return [
        CostLine(
            offer=row["code"],
            name=row["name"],
            grants=row["grants"],
            given=Money(int(row["given"]), row["currency"]),
            spins=int(row["spins"]),
            spins_worth=Money(int(row["spins_worth"]), row["currency"]),
            redeemed_grants=row["redeemed_grants"],
            redeemed=Money(int(row["redeemed"]), row["currency"]),
            lapsed_grants=row["lapsed"],
            open_grants=row["open_grants"],
            open_amount=Money(int(row["open_amount"]), row["currency"]),
        )
        for row in rows
    ]
