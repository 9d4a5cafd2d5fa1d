"""What the chain of hashes and the indexes of the history cost a play: the same ledger with and without them.

Each variant is a copy of the benchmarks' database in which one thing is taken away; pgbench plays on both in turns.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from benchmarks import copies, ground
from benchmarks.table import Row

ROUNDS = 3

_WITHOUT = {
    "without chains of hashes": """
        CREATE OR REPLACE FUNCTION wallet_transfer_digest(p_id uuid, p_kind text, p_player_id uuid, p_currency text,
            p_amount_minor bigint, p_source text, p_reference text, p_game text, p_round text, p_bet_id uuid, p_actor text,
            p_request_id text, p_occurred_at timestamptz) RETURNS bytea LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
        BEGIN RETURN ''::bytea; END $$;
        CREATE OR REPLACE FUNCTION wallet_enter(p_transfer uuid, p_account uuid, p_amount bigint, p_digest bytea DEFAULT NULL)
        RETURNS void LANGUAGE plpgsql AS $$
        DECLARE purse record;
        BEGIN
            UPDATE wallet_account SET balance_minor = balance_minor + p_amount, sequence = sequence + 1
            WHERE id = p_account RETURNING balance_minor, sequence INTO purse;
            INSERT INTO wallet_entry (id, transfer_id, account_id, amount_minor, balance_after_minor, sequence, hash)
            VALUES (kernel_uuid7(), p_transfer, p_account, p_amount, purse.balance_minor, purse.sequence, '');
        END $$;
        CREATE OR REPLACE FUNCTION wallet_enter_house(p_transfer uuid, p_account uuid, p_amount bigint,
            p_digest bytea DEFAULT NULL)
        RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO wallet_entry (id, transfer_id, account_id, amount_minor, hash)
            VALUES (kernel_uuid7(), p_transfer, p_account, p_amount, '');
        END $$;""",
    "without the indexes of the history": """
        DROP INDEX wallet_transfer_rare, wallet_transfer_round, wallet_entry_moment, wallet_transfer_adapter_round""",
}


def rows(seconds: int) -> Iterator[Row]:
    for what, statements in _WITHOUT.items():
        urls = [copies.copy(name) for name in ("bench_whole", "bench_without")]
        for url, sql in zip(urls, ("", statements), strict=True):
            with psycopg.connect(url, autocommit=True) as owner:
                if sql:
                    owner.execute(sql)
                owner.execute("VACUUM (ANALYZE) wallet_account")
        whole = without = 0.0
        for _ in range(ROUNDS):
            whole += ground.pgbench(4, seconds, database_url=urls[0]) / ROUNDS
            without += ground.pgbench(4, seconds, database_url=urls[1]) / ROUNDS
        yield Row(f"play by pgbench, 4 clients / the same {what}", whole, without)
        for name in ("bench_whole", "bench_without"):
            copies.drop(name)
