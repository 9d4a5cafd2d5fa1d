"""A ledger of millions of entries in minutes: the rows that plays would have written, chains of hashes included.

Written by set-based SQL as the database's owner. Events are left out: what is measured on it is the ledger.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from math import ceil

import psycopg

from benchmarks.ground import GAME, PLAYERS, player_id
from wallet.services.verification import count_entries

# The player whose history is long.
HEAVY = player_id(1)
HEAVY_ENTRIES = 100_000
_ENTRIES_PER_PLAY = 3  # a bet has two, and every second play wins
_PLAYS_AT_ONCE = 10_000

_FILL = """
WITH play AS MATERIALIZED (
    SELECT *, kernel_uuid7() AS bet_id, CASE WHEN n %% 2 = 0 THEN kernel_uuid7() END AS win_id
    FROM (SELECT a.id AS purse, a.player_id, a.balance_minor, a.sequence, a.last_hash, n
          FROM wallet_account a CROSS JOIN generate_series(1, %(plays)s) n
          WHERE a.kind = 'real' AND a.player_id = ANY(%(players)s) ORDER BY n, a.id) ordered
), movement AS MATERIALIZED (
    SELECT *, bet_id AS id, 'bet' AS kind, NULL::uuid AS of_bet, -100 AS change FROM play
    UNION ALL SELECT *, win_id, 'win', bet_id, 200 FROM play WHERE win_id IS NOT NULL
), written AS (
    INSERT INTO wallet_transfer (id, kind, player_id, currency, amount_minor, source, reference, game, round, bet_id, actor,
                                 occurred_at)
    SELECT id, kind, player_id, 'EUR', abs(change), 'fill', bet_id::text, %(game)s, bet_id::text, of_bet, 'bench', now()
    FROM movement ORDER BY id RETURNING id, digest
), line AS MATERIALIZED (
    SELECT m.*, w.digest, kernel_uuid7() AS entry_id, kernel_uuid7() AS house_id,
           balance_minor + sum(change) OVER chain AS balance_after, sequence + row_number() OVER chain AS place
    FROM movement m JOIN written w USING (id) WINDOW chain AS (PARTITION BY purse ORDER BY n, kind)
), linked AS MATERIALIZED (
    SELECT *, wallet_chain(last_hash, digest || uuid_send(entry_id) || uuid_send(purse) || int8send(change)
                           || int8send(balance_after) || int8send(place)) OVER (PARTITION BY purse ORDER BY place) AS hash
    FROM line
), entered AS (
    INSERT INTO wallet_entry (id, transfer_id, account_id, amount_minor, balance_after_minor, sequence, hash)
    SELECT entry_id, id, purse, change, balance_after, place, hash FROM linked
    UNION ALL
    SELECT l.house_id, l.id, h.id, -change, NULL, NULL,
           sha256('\\x00'::bytea || digest || uuid_send(l.house_id) || uuid_send(h.id) || int8send(-change))
    FROM linked l, (SELECT wallet_house_account('gaming', 'EUR') AS id OFFSET 0) h
), kept AS (
    INSERT INTO wallet_transferkey (source, key, digest, outcome, transfer_id, win_transfer_id)
    SELECT 'fill', bet_id::text, sha256(''), 'applied', bet_id, win_id FROM play
)
UPDATE wallet_account a SET balance_minor = last.balance_after, sequence = last.place, last_hash = last.hash
FROM (SELECT DISTINCT ON (purse) purse, balance_after, place, hash FROM linked ORDER BY purse, place DESC) last
WHERE a.id = last.purse"""


def fill(entries: int) -> None:
    """Bring the ledger to at least this many entries, and its statistics up to date."""
    heavy = HEAVY_ENTRIES - _count_of_heavy()
    if heavy > 0:
        _post([HEAVY], ceil(heavy / _ENTRIES_PER_PLAY))
    missing = entries - count_entries()
    if missing > 0:
        plays = ceil(missing / _ENTRIES_PER_PLAY / (PLAYERS - 1))
        group = max(1, _PLAYS_AT_ONCE // plays)
        groups = [range(start, min(start + group, PLAYERS + 1)) for start in range(2, PLAYERS + 1, group)]
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda numbers: _post([player_id(n) for n in numbers], plays), groups))
    with _owner() as connection:
        connection.execute("VACUUM (ANALYZE) wallet_entry, wallet_transfer, wallet_transferkey, wallet_account")


def _post(players: list[object], plays: int) -> None:
    with _owner() as connection:
        connection.execute("SET synchronous_commit = off; SET work_mem = '64MB'")
        connection.execute(_FILL, {"players": players, "plays": plays, "game": GAME})


def _count_of_heavy() -> int:
    with _owner() as connection:
        row = connection.execute("SELECT 2 * count(*) FROM wallet_transfer WHERE player_id = %s", [HEAVY]).fetchone()
    assert row
    count: int = row[0]
    return count


def _owner() -> psycopg.Connection[tuple[int]]:
    return psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)
