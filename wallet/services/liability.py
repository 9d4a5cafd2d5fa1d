"""What the house owes its players, per currency and day: yesterday's total plus the day's entries."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

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
