"""Exports of the ledger as CSV, streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from events.audit import record
from kernel.access import require, require_whole
from kernel.actors import Actor
from kernel.copying import copy_csv
from players.selectors import get_player
from wallet.models_reconciliation import ReconciliationCase

EXPORT = "wallet.export_transfers"

# Moments as the API writes them.
_MOMENTS = """to_char(kernel_uuid7_at(t.id) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS recorded_at,
    to_char(t.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS occurred_at"""
_NAMES = """t.game, wallet_csv_text(t.round) AS round, t.bet_id, wallet_csv_text(t.source) AS source,
    wallet_csv_text(t.reference) AS reference"""

_OF_PLAYER = f"""
SELECT t.id, t.kind, {_MOMENTS}, t.currency, kernel_major(coalesce(e.change_minor, 0), t.currency) AS amount,
    kernel_major(e.real_after, t.currency) AS real_after, {_NAMES}
FROM wallet_transfer t LEFT JOIN (
    SELECT e.transfer_id, sum(e.amount_minor)::bigint AS change_minor,
           (array_agg(e.balance_after_minor ORDER BY e.id DESC) FILTER (WHERE a.kind = 'real'))[1] AS real_after
    FROM wallet_account a JOIN wallet_entry e ON e.account_id = a.id AND e.sequence IS NOT NULL
    WHERE a.player_id = %(player)s AND e.id >= kernel_uuid7_floor(coalesce(%(since)s::timestamptz, 'epoch'))
    GROUP BY e.transfer_id
) e ON e.transfer_id = t.id
WHERE t.player_id = %(player)s AND t.id >= kernel_uuid7_floor(coalesce(%(since)s::timestamptz, 'epoch'))
  AND t.id < kernel_uuid7_floor(coalesce(%(until)s::timestamptz, '4000-01-01'))
ORDER BY t.id"""

_OF_ALL = f"""
SELECT t.id, t.player_id, t.kind, {_MOMENTS}, t.currency, kernel_major(t.amount_minor, t.currency) AS amount, {_NAMES}
FROM wallet_transfer t
WHERE t.id >= kernel_uuid7_floor(%(since)s::timestamptz) AND t.id < kernel_uuid7_floor(%(until)s::timestamptz)"""
# In the order of recording, so that the same period is the same file, and the last line says how far it is.
_OF_FILTER = f"""{_OF_ALL} AND (%(kinds)s::text[] = '{{}}' OR t.kind = ANY(%(kinds)s))
    AND (%(currency)s = '' OR t.currency = %(currency)s) AND (%(source)s = '' OR t.source = %(source)s) ORDER BY t.id"""


# What a provider wrote goes out defused: a spreadsheet takes what begins like a formula for one.
_OF_REPORT = """
SELECT r.line, wallet_csv_text(r.reference) AS reference, r.kind, r.currency, kernel_major(r.amount_minor, r.currency) AS theirs,
    kernel_major(r.ours_minor, r.currency) AS ours, kernel_major(r.fee_minor, r.currency) AS fee,
    to_char(r.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS happened_at, r.state,
    wallet_csv_text(r.reason) AS reason, r.subject_id, r.player_id
FROM wallet_reportrow r WHERE r.report_id = %(report)s ORDER BY r.line"""


_OF_CASES = """
SELECT c.id, c.state, c.kind, c.what, wallet_csv_text(m.source) AS source, wallet_csv_text(r.file_name) AS report, c.line,
    wallet_csv_text(c.reference) AS reference, wallet_csv_text(c.reason) AS reason, c.currency,
    kernel_major(c.theirs_minor, c.currency) AS theirs, kernel_major(c.ours_minor, c.currency) AS ours,
    to_char(c.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS happened_at, c.subject_id, c.player_id,
    c.claimed_by, wallet_csv_text(c.resolution) AS resolution, c.resolved_by,
    to_char(c.resolved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS resolved_at, c.adjustment_id
FROM wallet_reconciliationcase c JOIN wallet_report r ON r.id = c.report_id
JOIN wallet_reportmapping m ON m.id = r.mapping_id WHERE c.id IN ({ids}) ORDER BY c.id"""

_OF_LIABILITY = """
SELECT day, currency, kernel_major(real, currency) AS real, kernel_major(bonus, currency) AS bonus,
    kernel_major(held, currency) AS held, kernel_major(tournament, currency) AS tournament,
    kernel_major(real + bonus + held + tournament, currency) AS together
FROM (
    SELECT day, currency, {sums} FROM wallet_liabilityday GROUP BY day, currency
) days ORDER BY day, currency""".format(
    sums=", ".join(
        f"coalesce(sum(total_minor) FILTER (WHERE kind = '{kind}'), 0)::bigint AS {kind}"
        for kind in ("real", "bonus", "held", "tournament")
    )
)


def export_report(*, report_id: UUID, actor: Actor, at: datetime) -> Iterator[bytes]:
    """Every line of a provider's report, and what became of it. Raises: AccessDenied."""
    require_whole(actor, "wallet.view_report")
    record(action="wallet.export_report", actor=actor, at=at, object_type="wallet.report", object_id=str(report_id))
    return copy_csv(_OF_REPORT, {"report": report_id})


def export_cases(*, cases: QuerySet[ReconciliationCase], wanted: str, actor: Actor, at: datetime) -> Iterator[bytes]:
    """These cases of the reconciliation desk, oldest first; ``wanted`` says on the trail what was asked for.

    Raises: AccessDenied.
    """
    require(actor, "wallet.view_reconciliationcase")
    record(
        action="wallet.export_cases",
        actor=actor,
        at=at,
        object_type="wallet.reconciliationcase",
        after={"wanted": wanted or "all"},
    )
    ids, params = cases.order_by().values("id").query.sql_with_params()
    return copy_csv(_OF_CASES.format(ids=ids), params)


def export_liability(*, actor: Actor, at: datetime) -> Iterator[bytes]:
    """What players were owed at the end of every closed day, by currency. Raises: AccessDenied."""
    require(actor, "wallet.view_liabilityday")
    record(action="wallet.export_liability", actor=actor, at=at, object_type="wallet.liabilityday")
    return copy_csv(_OF_LIABILITY)


def export_history(*, player_id: UUID, since: datetime | None, until: datetime | None) -> Iterator[bytes]:
    """A player's transfers recorded from ``since`` on and before ``until``, oldest first, amounts in major units.

    ``amount`` is the signed change of the player's purses. Raises: UnknownPlayer.
    """
    get_player(player_id)
    return copy_csv(_OF_PLAYER, {"player": player_id, "since": since, "until": until})


def export_period(*, since: datetime, until: datetime, actor: Actor, at: datetime) -> Iterator[bytes]:
    """All transfers recorded from ``since`` on and before ``until``; ``amount`` is what moved, ``kind`` says whither.

    Raises: AccessDenied.
    """
    require_whole(actor, EXPORT)
    record(
        action="wallet.export_transfers",
        actor=actor,
        at=at,
        object_type="wallet.transfer",
        after={"since": since.isoformat(), "until": until.isoformat()},
    )
    return copy_csv(_OF_ALL, {"since": since, "until": until})


def copy_period(
    *, since: datetime, until: datetime, kinds: Sequence[str], currency: str, source: str
) -> Iterator[bytes]:
    """As ``export_period``, of the kinds, the currency and the source that are named; for ``period_exports`` alone."""
    params = {"since": since, "until": until, "kinds": list(kinds), "currency": currency, "source": source}
    return copy_csv(_OF_FILTER, params)
