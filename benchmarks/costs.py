"""What the chain of hashes and the indexes of the history cost a play: the same ledger with and without them.

Each variant is a copy of the benchmarks' database in which one thing is taken away; pgbench plays on both in turns.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import psycopg
from django.db import connection

from benchmarks import ground
from benchmarks.table import Row
from pms.runtime import databases
from pms.runtime.credentials import load_credentials
from pms.runtime.home import find_home

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
    ours = os.environ["DATABASE_OWNER_URL"]
    admin = _admin_url(ours)
    for what, statements in _WITHOUT.items():
        urls = [_copy(admin, ours, name, sql) for name, sql in (("bench_whole", ""), ("bench_without", statements))]
        whole = without = 0.0
        for _ in range(ROUNDS):
            whole += ground.pgbench(4, seconds, database_url=urls[0]) / ROUNDS
            without += ground.pgbench(4, seconds, database_url=urls[1]) / ROUNDS
        yield Row(f"play by pgbench, 4 clients / the same {what}", whole, without)
        _drop(admin)


def _copy(admin: str, ours: str, name: str, statements: str) -> str:
    connection.close()
    with psycopg.connect(admin, autocommit=True) as superuser:
        superuser.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        superuser.execute(f"CREATE DATABASE {name} TEMPLATE {urlsplit(ours).path[1:]} OWNER {databases.OWNER}")
    url = databases.with_database(ours, name)
    with psycopg.connect(url, autocommit=True) as owner:
        if statements:
            owner.execute(statements)
        owner.execute("VACUUM (ANALYZE) wallet_account")
    return url


def _drop(admin: str) -> None:
    with psycopg.connect(admin, autocommit=True) as superuser:
        for name in ("bench_whole", "bench_without"):
            superuser.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _admin_url(ours: str) -> str:
    """The benchmarks' own server is the project's, and so is its superuser."""
    password = quote(load_credentials(find_home()).superuser_password, safe="")
    url = urlsplit(databases.with_database(ours, "postgres"))
    return url._replace(netloc=f"postgres:{password}@{url.hostname}:{url.port}").geturl()
