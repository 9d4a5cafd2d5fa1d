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

# The first bets of the rounds that are wanted, of those that were looked at.
_NEWEST = f"""
SELECT l.* FROM ({_WINDOW}) l
WHERE l.kind IN ('bet', 'free_bet') AND (%(game)s = '' OR l.game = %(game)s) AND (%(source)s = '' OR l.source = %(source)s)
  AND NOT EXISTS (
    SELECT FROM wallet_transfer o WHERE o.player_id = %(player)s AND o.kind IN ('bet', 'free_bet') AND o.round = l.round
    AND o.game = l.game AND o.source = l.source AND o.id < l.id)
ORDER BY l.id DESC LIMIT %(rows)s"""

# Of rounds with one name, the one that began last.
_OF_NAME = """
SELECT * FROM (
    SELECT DISTINCT ON (game, source) * FROM wallet_transfer
    WHERE player_id = %(player)s AND kind IN ('bet', 'free_bet') AND round = %(round)s
      AND (%(game)s = '' OR game = %(game)s) AND (%(source)s = '' OR source = %(source)s)
    ORDER BY game, source, id) named ORDER BY id DESC LIMIT 1"""

# What a round's bets came to. Wins as they reached purses: what is won into a forfeited bonus is nobody's.
_ROUNDS = """
WITH first AS MATERIALIZED ({first})
SELECT first.id, first.game, first.round, first.source, first.currency, first.occurred_at AS started_at, bets.*, (
    SELECT closed_at FROM wallet_closedround c WHERE c.player_id = %(player)s AND c.round = first.round
    AND c.game = first.game AND c.source = first.source) AS closed_at FROM first, LATERAL (
    SELECT count(*) FILTER (WHERE b.kind = 'bet') AS bets, count(*) FILTER (WHERE b.kind = 'free_bet') AS free_bets,
           count(*) FILTER (WHERE undone) AS rolled_back, (count(*) + sum(followed))::bigint AS movements,
           coalesce(sum(b.amount_minor) FILTER (WHERE b.kind = 'bet' AND NOT undone), 0)::bigint AS staked_minor,
           coalesce(sum(won_minor) FILTER (WHERE NOT undone), 0)::bigint AS won_minor,
           coalesce(sum(free_won_minor) FILTER (WHERE NOT undone), 0)::bigint AS free_won_minor,
           greatest(max(b.occurred_at), max(last_at)) AS ended_at
    FROM wallet_transfer b, LATERAL (
        SELECT coalesce(bool_or(kind = 'rollback'), false) AS undone, max(occurred_at) AS last_at, count(*) AS followed,
               sum(paid_minor) FILTER (WHERE kind IN ('win', 'jackpot_win')) AS won_minor,
               sum(paid_minor) FILTER (WHERE kind = 'free_win') AS free_won_minor
        FROM wallet_transfer x, LATERAL (
            SELECT sum(e.amount_minor) AS paid_minor FROM wallet_entry e
            WHERE e.transfer_id = x.id AND e.id >= x.id AND e.sequence IS NOT NULL) paid
        WHERE x.bet_id = b.id AND x.id >= b.id
    ) after
    WHERE b.player_id = %(player)s AND b.kind IN ('bet', 'free_bet') AND b.round = first.round AND b.game = first.game
      AND b.source = first.source
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
        scanned = bool(wanted.kinds or wanted.game or wanted.source or wanted.purse or wanted.purse_id)
        params["scan"] = SCAN if scanned else limit + 1
    found = f"SELECT * FROM ({found}) t WHERE {_matches(wanted)} ORDER BY id DESC LIMIT %(rows)s"
    rows = fetch_all(_TRANSACTIONS.format(found=found), params)
    return _page([transaction_details(row) for row in rows], params, limit, scanned)


def list_rounds(
    player_id: UUID, *, wanted: HistoryFilter, before: UUID | None = None, limit: int = 50
) -> HistoryPage[RoundDetails]:
    """A player's rounds, the one whose first bet is newest first. Of the filter, period, game and source count."""
    params = _params(player_id, wanted, before, limit) | {"scan": SCAN}
    rounds = [_round(row) for row in fetch_all(_ROUNDS.format(first=_NEWEST), params)]
    return _page(rounds, params, limit, True)


def find_round(player_id: UUID, *, round_id: str, game: str = "", source: str = "") -> RoundDetails | None:
    """One round; where several are called so, the one that began last."""
    params = {"player": player_id, "round": round_id, "game": game, "source": source}
    rows = fetch_all(_ROUNDS.format(first=_OF_NAME), params)
    return _round(rows[0]) if rows else None


def get_balances_at(player_id: UUID, at: datetime) -> Balances:
    """What the player held just before ``at``, by the clock of recording. Raises: UnknownPlayer."""
    currency = get_player(player_id).currency
    rows = fetch_all(
        """
        SELECT a.kind, a.spin_value_minor, e.balance_after_minor FROM wallet_account a CROSS JOIN LATERAL (
            SELECT balance_after_minor FROM wallet_entry
            WHERE account_id = a.id AND sequence IS NOT NULL AND id < kernel_uuid7_floor(%(at)s)
            ORDER BY id DESC LIMIT 1
        ) e WHERE a.player_id = %(player)s AND (a.kind <> 'bonus' OR a.active_until IS NULL OR a.active_until > %(at)s)
        """,
        {"at": at, "player": player_id},
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
        held(AccountKind.HELD),
    )


def _round(row: dict[str, Any]) -> RoundDetails:
    staked, won, free_won = (Money(row[f"{name}_minor"], row["currency"]) for name in ("staked", "won", "free_won"))
    return RoundDetails(
        id=row["id"],
        game=row["game"],
        round=row["round"],
        source=row["source"],
        bets=row["bets"],
        free_bets=row["free_bets"],
        rolled_back=row["rolled_back"],
        movements=row["movements"],
        staked=staked,
        won=won,
        free_won=free_won,
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        closed_at=row["closed_at"],
    )


def _params(player_id: UUID, wanted: HistoryFilter, before: UUID | None, limit: int) -> dict[str, Any]:
    return {
        "player": player_id,
        "before": before,
        "since": wanted.since,
        "until": wanted.until,
        "kinds": list(wanted.kinds),
        "purse": wanted.purse,
        "purse_id": wanted.purse_id,
        "round": wanted.round,
        "game": wanted.game,
        "source": wanted.source,
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
    if wanted.source:
        terms.append("t.source = %(source)s")
    if wanted.purse:
        terms.append(_touched("a.kind = %(purse)s"))
    if wanted.purse_id:
        terms.append(_touched("a.id = %(purse_id)s"))
    return " AND ".join(terms)


def _touched(purse: str) -> str:
    return f"""EXISTS (SELECT FROM wallet_entry e JOIN wallet_account a ON a.id = e.account_id
                       WHERE e.transfer_id = t.id AND e.id >= t.id AND a.player_id = t.player_id AND {purse})"""


def _page(items: list[Any], params: dict[str, Any], limit: int, scanned: bool) -> HistoryPage[Any]:
    if len(items) > limit:
        return HistoryPage(items[:limit], items[limit - 1].id)
    if not scanned:
        return HistoryPage(items, None)
    # What was looked at is over: go on where it ended, unless that was the end of the history.
    window = fetch_all(f"SELECT id FROM ({_WINDOW}) looked ORDER BY id DESC OFFSET %(scan)s - 1", params)
    return HistoryPage(items, window[0]["id"] if window else None)
