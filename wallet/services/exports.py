"""Exports of the ledger as CSV, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from kernel.access import AccessDenied, is_limited, require
from kernel.actors import Actor
from kernel.copying import copy_csv
from players.selectors import get_player

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
           max(e.balance_after_minor) FILTER (WHERE a.kind = 'real') AS real_after
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


def export_history(*, player_id: UUID, since: datetime | None, until: datetime | None) -> Iterator[bytes]:
    """A player's transfers recorded from ``since`` on and before ``until``, oldest first, amounts in major units.

    ``amount`` is the signed change of the player's purses. Raises: UnknownPlayer.
    """
    get_player(player_id)
    return copy_csv(_OF_PLAYER, {"player": player_id, "since": since, "until": until})


def export_period(*, since: datetime, until: datetime, actor: Actor) -> Iterator[bytes]:
    """All transfers recorded from ``since`` on and before ``until``; ``amount`` is what moved, ``kind`` says whither.

    Raises: AccessDenied, also for whoever sees some players only.
    """
    require(actor, EXPORT)
    if is_limited(actor, EXPORT):
        raise AccessDenied("Your roles see some players only; a file of all would show the others.")
    return copy_csv(_OF_ALL, {"since": since, "until": until})
