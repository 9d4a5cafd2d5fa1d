"""A player's history: what it costs to read a page of it does not grow with its length.

Rare kinds and rounds have indexes. What has none (a game, a purse, wins) is looked for among ``SCAN`` movements per
page; a page may therefore hold fewer rows than asked for, and says where to go on. Periods are of recording: the ids
carry it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from kernel.db import fetch_all
from kernel.money import Money, total
from players.selectors import get_player
from wallet.selectors import transaction_details
from wallet.types import (
    AccountKind,
    Balances,
    HistoryFilter,
    HistoryPage,
    RoundDetails,
    TransactionDetails,
    TransferKind,
)

SCAN = 2_000

_FREQUENT = {TransferKind.BET, TransferKind.WIN}

_PERIOD = """player_id = %(player)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
    AND id >= kernel_uuid7_floor(coalesce(%(since)s::timestamptz, 'epoch'))
    AND id < kernel_uuid7_floor(coalesce(%(until)s::timestamptz, '4000-01-01'))"""

# The player's movements below the cursor, as many as one page looks at.
_WINDOW = f"SELECT * FROM wallet_transfer WHERE {_PERIOD} ORDER BY id DESC LIMIT %(scan)s"

_TRANSACTIONS = """
SELECT t.*, coalesce(e.change_minor, 0) AS change_minor, e.fee_minor, e.real_after FROM ({found}) t LEFT JOIN LATERAL (
    SELECT sum(e.amount_minor) FILTER (WHERE a.player_id IS NOT NULL)::bigint AS change_minor,
           coalesce(sum(e.amount_minor) FILTER (WHERE a.kind = 'fees'), 0)::bigint AS fee_minor,
           (array_agg(e.balance_after_minor ORDER BY e.id DESC) FILTER (WHERE a.kind = 'real'))[1] AS real_after
    FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id
    WHERE e.transfer_id = t.id AND e.id >= t.id
) e ON true ORDER BY t.id DESC"""

_ROUNDS = f"""
WITH looked AS MATERIALIZED ({_WINDOW}), first AS (
    SELECT l.* FROM looked l WHERE l.kind = 'bet' AND (%(game)s = '' OR l.game = %(game)s) AND NOT EXISTS (
        SELECT FROM wallet_transfer o WHERE o.player_id = %(player)s AND o.kind = 'bet' AND o.round = l.round
        AND o.game = l.game AND o.id < l.id)
    ORDER BY l.id DESC LIMIT %(rows)s
)
SELECT first.id, first.game, first.round, first.currency, first.occurred_at AS started_at, bets.*, (
    SELECT closed_at FROM wallet_closedround c WHERE c.player_id = %(player)s AND c.round = first.round
    AND c.game = first.game AND c.source = first.source) AS closed_at FROM first, LATERAL (
    SELECT count(*) AS bets, count(*) FILTER (WHERE undone) AS rolled_back,
           coalesce(sum(b.amount_minor) FILTER (WHERE NOT undone), 0)::bigint AS staked_minor,
           coalesce(sum(won_minor) FILTER (WHERE NOT undone), 0)::bigint AS won_minor,
           greatest(max(b.occurred_at), max(last_at)) AS ended_at
    FROM wallet_transfer b, LATERAL (
        SELECT coalesce(bool_or(kind = 'rollback'), false) AS undone, max(occurred_at) AS last_at,
               sum(amount_minor) FILTER (WHERE kind IN ('win', 'jackpot_win')) AS won_minor
        FROM wallet_transfer x WHERE x.bet_id = b.id AND x.id >= b.id
    ) after
    WHERE b.player_id = %(player)s AND b.kind = 'bet' AND b.round = first.round AND b.game = first.game
) bets ORDER BY first.id DESC"""


def list_history(
    player_id: UUID, *, wanted: HistoryFilter, before: UUID | None = None, limit: int = 50
) -> HistoryPage[TransactionDetails]:
    """A player's transfers, newest first, older than ``before`` (a transfer's id)."""
    params = _params(player_id, wanted, before, limit)
    scanned = False
    if wanted.round:
        found = _of_round()
    elif wanted.kinds and not _FREQUENT & set(wanted.kinds):
        found = " UNION ALL ".join(_of_kind(kind) for kind in wanted.kinds)
    else:
        found = f"SELECT * FROM ({_WINDOW}) looked"
        scanned = bool(wanted.kinds or wanted.game or wanted.purse)
        params["scan"] = SCAN if scanned else limit + 1
    found = f"SELECT * FROM ({found}) t WHERE {_matches(wanted)} ORDER BY id DESC LIMIT %(rows)s"
    rows = fetch_all(_TRANSACTIONS.format(found=found), params)
    return _page([transaction_details(row) for row in rows], params, limit, scanned)


def list_rounds(
    player_id: UUID, *, wanted: HistoryFilter, before: UUID | None = None, limit: int = 50
) -> HistoryPage[RoundDetails]:
    """A player's rounds, the one whose first bet is newest first. Of the filter, period and game count."""
    params = _params(player_id, wanted, before, limit) | {"scan": SCAN}
    rounds = [
        RoundDetails(
            id=row["id"],
            game=row["game"],
            round=row["round"],
            bets=row["bets"],
            rolled_back=row["rolled_back"],
            staked=Money(row["staked_minor"], row["currency"]),
            won=Money(row["won_minor"], row["currency"]),
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            closed_at=row["closed_at"],
        )
        for row in fetch_all(_ROUNDS, params)
    ]
    return _page(rounds, params, limit, True)


def get_balances_at(player_id: UUID, at: datetime) -> Balances:
    """What the player held just before ``at``, by the clock of recording. Raises: UnknownPlayer."""
    currency = get_player(player_id).currency
    rows = fetch_all(
        """
        SELECT a.kind, a.spin_value_minor, e.balance_after_minor FROM wallet_account a CROSS JOIN LATERAL (
            SELECT balance_after_minor FROM wallet_entry
            WHERE account_id = a.id AND sequence IS NOT NULL AND id < kernel_uuid7_floor(%s)
            ORDER BY id DESC LIMIT 1
        ) e WHERE a.player_id = %s
        """,
        [at, player_id],
    )

    def held(kind: AccountKind) -> Money:
        return total((Money(row["balance_after_minor"], currency) for row in rows if row["kind"] == kind), currency)

    return Balances(
        player_id,
        held(AccountKind.REAL),
        held(AccountKind.BONUS),
        held(AccountKind.FREE_SPINS),
        sum(row["balance_after_minor"] // row["spin_value_minor"] for row in rows if row["spin_value_minor"]),
        held(AccountKind.TOURNAMENT),
    )


def _params(player_id: UUID, wanted: HistoryFilter, before: UUID | None, limit: int) -> dict[str, Any]:
    return {
        "player": player_id,
        "before": before,
        "since": wanted.since,
        "until": wanted.until,
        "kinds": list(wanted.kinds),
        "purse": wanted.purse,
        "round": wanted.round,
        "game": wanted.game,
        "rows": limit + 1,
    }


def _of_kind(kind: TransferKind) -> str:
    """The newest of one rare kind. The kind stands in the text, so that the planner sees which partial index fits."""
    return f"(SELECT * FROM wallet_transfer WHERE {_PERIOD} AND kind = '{kind}' ORDER BY id DESC LIMIT %(rows)s)"


def _of_round() -> str:
    """Bets of the round, and what became of them."""
    bets = """SELECT * FROM wallet_transfer
              WHERE player_id = %(player)s AND kind IN ('bet', 'free_bet') AND round = %(round)s"""
    return f"""
        WITH bet AS MATERIALIZED ({bets}), whole AS (
            SELECT * FROM bet UNION ALL
            SELECT after.* FROM bet, LATERAL (
                SELECT * FROM wallet_transfer t WHERE t.bet_id = bet.id AND t.id >= bet.id
            ) after
        ) SELECT * FROM whole WHERE {_PERIOD}"""


def _matches(wanted: HistoryFilter) -> str:
    terms = ["true"]
    if wanted.kinds:
        terms.append("t.kind = ANY(%(kinds)s)")
    if wanted.game:
        terms.append("t.game = %(game)s")
    if wanted.purse:
        terms.append("""EXISTS (SELECT FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id
                        WHERE e.transfer_id = t.id AND e.id >= t.id AND a.player_id = t.player_id AND a.kind = %(purse)s)""")
    return " AND ".join(terms)


def _page(items: list[Any], params: dict[str, Any], limit: int, scanned: bool) -> HistoryPage[Any]:
    if len(items) > limit:
        return HistoryPage(items[:limit], items[limit - 1].id)
    if not scanned:
        return HistoryPage(items, None)
    # What was looked at is over: go on where it ended, unless that was the end of the history.
    window = fetch_all(f"SELECT id FROM ({_WINDOW}) looked ORDER BY id DESC OFFSET %(scan)s - 1", params)
    return HistoryPage(items, window[0]["id"] if window else None)
