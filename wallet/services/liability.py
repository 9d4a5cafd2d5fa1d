"""What the house owes its players, per currency and day: yesterday's total plus the day's entries.

The days follow the entries, the balances are kept by the posting functions: two ways to one sum, compared every day.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

from django.db import connection, transaction

from events.catalogue.wallet import LiabilityDiffers
from events.services.log import publish_many
from kernel.db import fetch_all, fetch_one
from kernel.money import Money
from wallet.models_reconciliation import LiabilityCheck
from wallet.selectors_reconciliation import find_last_check
from wallet.types import AccountKind
from wallet.types_reconciliation import LiabilityDifference

logger = logging.getLogger(__name__)

# A transaction that began before midnight may commit after it: the day is closed when all of them are over.
_CLOSED_AFTER_MINUTES = 15


def close_days(*, at: datetime) -> int:
    """Write the liability of every day (UTC) that is over and not written yet; how many rows.

    Reads the entries of those days alone. May be run any number of times.
    """
    today = at.astimezone(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('wallet.liability'))")
        try:
            cursor.execute(
                """
                WITH last AS (SELECT max(day) AS day FROM wallet_liabilityday), moved AS (
                    SELECT (kernel_uuid7_at(e.id) AT TIME ZONE 'UTC')::date AS day, a.currency, a.kind,
                           sum(e.amount_minor) AS minor
                    FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id AND a.player_id IS NOT NULL, last
                    WHERE e.sequence IS NOT NULL
                      AND e.id >= kernel_uuid7_floor(coalesce((last.day + 1)::timestamp, 'epoch'::timestamp) AT TIME ZONE 'UTC')
                      AND e.id < kernel_uuid7_floor(%(end)s::timestamp AT TIME ZONE 'UTC')
                    GROUP BY 1, 2, 3
                ), days AS (
                    SELECT generate_series(coalesce((SELECT day + 1 FROM last), (SELECT min(day) FROM moved)),
                                           %(end)s::date - 1, '1 day')::date AS day
                ), kinds AS (
                    SELECT currency, kind FROM moved UNION
                    SELECT currency, kind FROM wallet_liabilityday WHERE day = (SELECT day FROM last)
                )
                INSERT INTO wallet_liabilityday (day, currency, kind, total_minor)
                SELECT d.day, k.currency, k.kind,
                       coalesce((SELECT total_minor FROM wallet_liabilityday b WHERE b.day = (SELECT day FROM last)
                                 AND b.currency = k.currency AND b.kind = k.kind), 0)
                       + coalesce(sum(m.minor) OVER (PARTITION BY k.currency, k.kind ORDER BY d.day), 0)
                FROM days d CROSS JOIN kinds k
                LEFT JOIN moved m ON m.day = d.day AND m.currency = k.currency AND m.kind = k.kind
                """,
                {"end": closed_until(today)},
            )
            return cursor.rowcount
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('wallet.liability'))")


def closed_until(at: datetime) -> str:
    """The first day that is not closed yet, as a date."""
    minutes = at.hour * 60 + at.minute
    day = at.date() if minutes >= _CLOSED_AFTER_MINUTES else at.date().fromordinal(at.date().toordinal() - 1)
    return day.isoformat()


def check_liability(*, at: datetime) -> list[LiabilityDifference]:
    """Compare the last closed day plus the entries since with the balances, in one snapshot; what differs.

    Done once for each closed day, and again and again while something differs. Publishes LiabilityDiffers.
    """
    day: date | None = fetch_one("SELECT max(day) FROM wallet_liabilityday")[0]
    last = find_last_check()
    if day is None or (last and last.day == day and not last.differences):
        return []
    differences = _compare(day)
    with transaction.atomic():
        publish_many(
            [
                LiabilityDiffers(
                    player_id=None,
                    occurred_at=at,
                    day=day.isoformat(),
                    purse=found.kind,
                    by_days=found.by_days.major,
                    by_balances=found.by_balances.major,
                    currency=found.by_days.currency,
                )
                for found in differences
            ]
        )
        LiabilityCheck.objects.create(
            day=day,
            differences=[
                [found.kind, found.by_days.currency, found.by_days.amount_minor, found.by_balances.amount_minor]
                for found in differences
            ],
            checked_at=at,
        )
    for found in differences:
        logger.error(
            "players' %s purses hold %s %s, the days add up to %s",
            found.kind, found.by_balances, found.by_balances.currency, found.by_days,
        )  # fmt: skip
    return differences


def _compare(day: date) -> list[LiabilityDifference]:
    rows = fetch_all(
        """
        WITH days AS (
            SELECT currency, kind, sum(minor)::bigint AS minor FROM (
                SELECT currency, kind, total_minor AS minor FROM wallet_liabilityday WHERE day = %(day)s
                UNION ALL
                SELECT a.currency, a.kind, e.amount_minor
                FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id AND a.player_id IS NOT NULL
                WHERE e.sequence IS NOT NULL AND e.id >= kernel_uuid7_floor((%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC')
            ) AS parts GROUP BY 1, 2
        ), balances AS (
            SELECT currency, kind, sum(balance_minor)::bigint AS minor FROM wallet_account WHERE player_id IS NOT NULL
            GROUP BY 1, 2
        )
        SELECT currency, kind, coalesce(d.minor, 0) AS by_days, coalesce(b.minor, 0) AS by_balances
        FROM days d FULL JOIN balances b USING (currency, kind)
        WHERE coalesce(d.minor, 0) <> coalesce(b.minor, 0) ORDER BY currency, kind
        """,
        {"day": day},
    )
    return [
        LiabilityDifference(
            AccountKind(row["kind"]), Money(row["by_days"], row["currency"]), Money(row["by_balances"], row["currency"])
        )
        for row in rows
    ]
