"""What the chain of hashes, the indexes of the history and the gate cost a play: the same ledger with and without them.

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
    "without the gate": """
        CREATE OR REPLACE FUNCTION compliance_gate_bet(p_player uuid, p_game text, p_category text, p_stake bigint, p_real bigint,
            p_won bigint, p_at timestamptz, p_actor text, p_request_id text) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN RETURN ''; END $$""",
}
# Three limits each, and 60 hours of play behind them; the reference has plain rows.
_LIMITS = """
    INSERT INTO compliance_limit (id, player_id, kind, period, amount_minor, set_by, active_from)
    SELECT kernel_uuid7(), p.id, l.kind, l.period, 1000000000000, 'player', now() - interval '1 day' FROM players_player p
    CROSS JOIN (VALUES ('loss', 'day'), ('loss', '30d'), ('wagering', 'week')) AS l (kind, period);
    INSERT INTO compliance_playactivity (player_id, hour_at, bets, staked_minor, won_minor, played_ms)
    SELECT p.id, date_trunc('hour', now() - h * interval '11 hours'), 100, 10000, 9500, 600000
    FROM players_player p CROSS JOIN generate_series(1, 60) h ON CONFLICT DO NOTHING;
    UPDATE compliance_playgate SET plain = false, has_limits = true"""


def rows(seconds: int) -> Iterator[Row]:
    for what, statements in _WITHOUT.items():
        yield Row(f"play by pgbench, 4 clients / the same {what}", *_beside("", statements, seconds))
    yield Row(
        "play by pgbench, 4 clients, three limits each / the same with plain rows", *_beside(_LIMITS, "", seconds)
    )


def _beside(here: str, there: str, seconds: int) -> tuple[float, float]:
    """Plays a second on two copies that these statements changed, in turns."""
    urls = [copies.copy(name) for name in ("bench_here", "bench_there")]
    for url, sql in zip(urls, (here, there), strict=True):
        with psycopg.connect(url, autocommit=True) as owner:
            if sql:
                owner.execute(sql)
            owner.execute(
                "VACUUM (ANALYZE) wallet_account, compliance_limit, compliance_playactivity, compliance_playgate"
            )
    first = second = 0.0
    for _ in range(ROUNDS):
        first += ground.pgbench(4, seconds, database_url=urls[0]) / ROUNDS
        second += ground.pgbench(4, seconds, database_url=urls[1]) / ROUNDS
    for name in ("bench_here", "bench_there"):
        copies.drop(name)
    return first, second
