"""What our books hold of a provider: the movements that its report is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from kernel.db import fetch_all
from wallet.rules_matching import CHARGEBACK, DEPOSIT, PAYOUT, RETURN, Ours
from wallet.types_reconciliation import ReportSide

_NAMES_AT_ONCE = 10_000

# id, kind, player, amount, currency, moment, the provider's name for it, ours. {which}: a period, or names.
_DEPOSITS = """
    SELECT d.id, 'deposit' AS kind, d.player_id, d.amount_minor, d.currency, d.settled_at AS happened_at,
           d.provider_reference AS theirs, d.id::text AS ours
    FROM wallet_deposit d WHERE d.provider = %(source)s AND d.state IN ('made', 'charged_back', 'reinstated') AND {which}"""
_CHARGEBACKS = """
    SELECT t.id, 'chargeback', t.player_id, t.amount_minor, t.currency, t.occurred_at, d.provider_reference, d.id::text
    FROM wallet_deposit d JOIN wallet_transfer t ON t.player_id = d.player_id AND t.kind = 'chargeback'
         AND t.source = 'pms:deposits' AND t.reference LIKE d.id::text || ':chargeback%%'
    WHERE d.provider = %(source)s AND d.charged_back_minor > 0 AND {which}"""
_PAYOUTS = """
    SELECT p.id, 'payout', t.player_id, t.amount_minor, t.currency, t.occurred_at, p.provider_reference, p.id::text
    FROM wallet_payout p JOIN wallet_instrument i ON i.id = p.instrument_id AND i.provider = %(source)s
         JOIN wallet_withdrawal w ON w.id = p.withdrawal_id JOIN wallet_transfer t ON t.player_id = w.player_id
         AND t.kind = 'withdrawal' AND t.source = 'pms:withdrawals' AND t.reference = p.id::text
    WHERE p.state IN ('paid', 'returned') AND {which}"""
_RETURNS = """
    SELECT t.id, 'return', t.player_id, t.amount_minor, t.currency, t.occurred_at, p.provider_reference, p.id::text
    FROM wallet_payout p JOIN wallet_instrument i ON i.id = p.instrument_id AND i.provider = %(source)s
         JOIN wallet_withdrawal w ON w.id = p.withdrawal_id JOIN wallet_transfer t ON t.player_id = w.player_id
         AND t.kind = 'withdrawal_return' AND t.source = 'pms:withdrawals' AND t.reference = p.id::text || ':return'
    WHERE p.state = 'returned' AND {which}"""
_PERIOD = "t.occurred_at >= %(since)s AND t.occurred_at <= %(until)s"
_NAMED = "({0}.provider_reference = ANY(%(names)s) OR {0}.id = ANY(%(ids)s))"
# By kind: the statement, its period, its names.
_PAYMENTS = {
    DEPOSIT: (_DEPOSITS, _PERIOD.replace("t.occurred_at", "d.settled_at"), _NAMED.format("d")),
    CHARGEBACK: (_CHARGEBACKS, _PERIOD, _NAMED.format("d")),
    PAYOUT: (_PAYOUTS, f"p.settled_at >= %(since)s AND {_PERIOD}", _NAMED.format("p")),
    RETURN: (_RETURNS, f"p.settled_at >= %(since)s AND {_PERIOD}", _NAMED.format("p")),
}
_GAMES_OF_PERIOD = f"""
    SELECT t.id, '' AS kind, t.player_id, t.amount_minor, t.currency, t.occurred_at AS happened_at, t.reference AS theirs,
           t.reference AS ours FROM wallet_transfer t WHERE t.source = %(source)s AND {_PERIOD}"""
_GAMES_NAMED = """
    SELECT t.id, '' AS kind, t.player_id, t.amount_minor, t.currency, t.occurred_at AS happened_at, k.key AS theirs,
           k.key AS ours FROM wallet_transferkey k JOIN wallet_transfer t ON t.id = k.transfer_id
    WHERE k.source = %(source)s AND k.key = ANY(%(names)s)"""


def list_ours(
    *, side: ReportSide, source: str, covers: Sequence[str], since: datetime, until: datetime, names: Iterable[str]
) -> list[Ours]:
    """Every movement of the kinds that a report covers: those of its period, and those that it names. Each once."""
    found: dict[UUID, Ours] = {}
    params: dict[str, Any] = {"source": source, "since": since, "until": until}
    for sql in _statements(side, covers, named=False):
        _gather(found, sql, params)
    remaining = iter(names)
    while some := list(islice(remaining, _NAMES_AT_ONCE)):
        params = {"source": source, "names": some, "ids": [id_ for name in some if (id_ := _uuid(name))]}
        for sql in _statements(side, covers, named=True):
            _gather(found, sql, params)
    return list(found.values())


def _statements(side: ReportSide, covers: Sequence[str], *, named: bool) -> list[str]:
    if side is ReportSide.GAMES:
        return [_GAMES_NAMED if named else _GAMES_OF_PERIOD]
    return [sql.format(which=names if named else period) for sql, period, names in map(_PAYMENTS.__getitem__, covers)]


def _gather(found: dict[UUID, Ours], sql: str, params: dict[str, Any]) -> None:
    names = ("id", "kind", "player_id", "amount_minor", "currency", "happened_at", "theirs", "ours")
    for row in fetch_all(f"SELECT * FROM ({sql}) o ({', '.join(names)})", params):
        found[row["id"]] = Ours(
            row["id"],
            tuple({name for name in (row["theirs"], row["ours"]) if name}),
            row["player_id"],
            row["amount_minor"],
            row["currency"],
            row["happened_at"],
            row["kind"],
        )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
