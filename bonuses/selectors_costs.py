"""What offers cost in a period, by offer and currency: sums over grants, one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.db import fetch_all
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class CostLine:
    """Bonuses of one offer in one currency, granted in a period, as they stand now.

    ``given`` is bonus money that was put into purses, ``came_back`` what of these went back to the house when they closed
    (winnings too): the difference is what the ledger's account of bonus cost has. ``spins`` are free spins, worth
    ``spins_worth``, and not in it. ``redeemed`` became real money; ``open_amount`` is in purses still.
    """

    offer: str
    name: str
    grants: int
    given: Money
    spins: int
    spins_worth: Money
    redeemed_grants: int
    redeemed: Money
    forfeited_grants: int
    expired_grants: int
    came_back: Money
    open_grants: int
    open_amount: Money

    @property
    def cost(self) -> Money:
        return self.given - self.came_back


def list_costs(*, since: datetime, until: datetime) -> list[CostLine]:
    """By offer and currency; those granted from ``since`` until before ``until``."""
    rows = fetch_all(
        """
        SELECT offer.code, offer.name, g.currency, count(*) AS grants, sum(g.spins) AS spins,
               coalesce(sum(g.amount_minor) FILTER (WHERE g.purse_id IS NOT NULL), 0) AS given,
               sum(g.spins * g.spin_value_minor) AS spins_worth,
               count(*) FILTER (WHERE g.state = 'redeemed') AS redeemed_grants, coalesce(sum(g.outcome_minor), 0) AS redeemed,
               count(*) FILTER (WHERE g.state = 'forfeited') AS forfeited,
               count(*) FILTER (WHERE g.state = 'expired') AS expired,
               coalesce(sum(last.amount - coalesce(g.outcome_minor, 0))
                        FILTER (WHERE last.kind IN ('bonus_release', 'bonus_forfeit')), 0) AS came_back,
               count(*) FILTER (WHERE g.state IN ('offered', 'queued', 'active')) AS open_grants,
               coalesce(sum(purse.balance_minor), 0) AS open_amount
        FROM bonuses_grant g
        JOIN bonuses_offer offer ON offer.id = g.offer_id
        LEFT JOIN wallet_account purse ON purse.id = g.purse_id
        LEFT JOIN LATERAL (  -- of a closed purse: what closed it, unless it was empty
            SELECT transfer.kind, -entry.amount_minor AS amount
            FROM wallet_entry entry JOIN wallet_transfer transfer ON transfer.id = entry.transfer_id
            WHERE entry.account_id = purse.id AND entry.sequence IS NOT NULL ORDER BY entry.sequence DESC LIMIT 1
        ) last ON purse.closed_at IS NOT NULL
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
            forfeited_grants=row["forfeited"],
            expired_grants=row["expired"],
            came_back=Money(int(row["came_back"]), row["currency"]),
            open_grants=row["open_grants"],
            open_amount=Money(int(row["open_amount"]), row["currency"]),
        )
        for row in rows
    ]
