"""Loyalty: accrual beside the bets that it counts, its lag, its rebuild, and the daily review of many members.

``BENCH_MEMBERS`` (1,000,000) players have standings and 30 days of turnover in a copy of the database; one in twenty has
played too little to keep the level.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg

from benchmarks import copies, ground
from benchmarks.table import Row
from events.ports import get_consumer
from events.services.consuming import Runner
from events.services.rebuilding import rebuild
from kernel import clock
from kernel.db import fetch_one
from loyalty.services.levels import review

MEMBERS = int(os.environ.get("BENCH_MEMBERS", "1000000"))
COPY = "bench_members"


def rows(seconds: float) -> Iterator[Row]:
    yield from accrued(seconds)
    yield from reviewed()


def accrued(seconds: float) -> Iterator[Row]:
    """What is left by bets, beside their rate; how far points are behind bets at half that rate; a rebuild of all."""
    runner = Runner(get_consumer("loyalty.accrual"))
    runner.drain(clock.now())
    rate = ground.in_processes(2, seconds, ground.play_once)
    started = time.perf_counter()
    events = runner.drain(clock.now())
    yield Row(
        f"loyalty.accrual, {events:,} events / bets, 2 workers",
        events / (time.perf_counter() - started),
        rate,
        "1 (stretch 3)",
    )
    lags = ground.lags(seconds, rate / 2, "loyalty.accrual", "loyalty_accrual")
    yield Row("points behind bets at half that rate, median", lags[len(lags) // 2] * 1000, None, "", " ms")
    yield Row(
        "points behind bets at half that rate, p99",
        lags[len(lags) * 99 // 100] * 1000,
        None,
        "2,000 (stretch 500)",
        " ms",
    )
    started = time.perf_counter()
    found = rebuild("loyalty.accrual", swap=False)
    assert found.equal, found
    took = time.perf_counter() - started
    yield Row(
        f"rebuild of loyalty.accrual, {found.events:,} events", found.events / took, None, "20,000/s (stretch 50,000)"
    )


def reviewed() -> Iterator[Row]:
    """The question to all members, and the answers for those whose level may move."""
    owner = copies.copy(COPY)
    try:
        _fill(owner)
        with copies.using(COPY):
            at = clock.now()
            started = time.perf_counter()
            due = review(at=at)
            took = time.perf_counter() - started
            assert due == MEMBERS // 20, due
            yield Row(f"review of {MEMBERS:,} members, {due:,} asked for", took, None, "15 s (stretch 4)", " s")
            runner = Runner(get_consumer("loyalty.accrual"))
            started = time.perf_counter()
            runner.drain(clock.now())
            took = time.perf_counter() - started
            moved = fetch_one("SELECT count(*) FROM loyalty_levelchange WHERE cause = 'review'")[0]
            assert moved == due, moved
            yield Row(f"{moved:,} levels moved by it", moved / took, None, "", "/s")
            started = time.perf_counter()
            assert review(at=at + timedelta(minutes=1)) == 0
            yield Row("the same review again", time.perf_counter() - started, None, "", " s")
    finally:
        copies.drop(COPY)


def _fill(owner: str) -> None:
    """Members with a level and five days of play each; the copy's own, so that they need no accounts."""
    with psycopg.connect(owner, autocommit=True) as connection:
        found = connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'loyalty_standing'::regclass AND contype = 'f'"
        ).fetchall()
        for (name,) in found:
            connection.execute(f"ALTER TABLE loyalty_standing DROP CONSTRAINT {name}")
        for (name,) in connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'loyalty_levelchange'::regclass AND contype = 'f'"
        ).fetchall():
            connection.execute(f"ALTER TABLE loyalty_levelchange DROP CONSTRAINT {name}")
        connection.execute("SET synchronous_commit = off")
        connection.execute("DELETE FROM loyalty_standing")
        connection.execute(
            """
            INSERT INTO loyalty_standing (player_id, programme, turnover_eur, earned, level, entered, level_since, grace_until,
                                          held, last_bet_at)
            SELECT ('11111111-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'standard', 60000, 60000, 'gold', 'gold',
                   now() - interval '90 days', now() - interval '60 days', '', now()
            FROM generate_series(1, %s) n
            """,
            [MEMBERS],
        )
        connection.execute(
            """
            INSERT INTO loyalty_turnoverday (player_id, day, turnover_eur)
            SELECT ('11111111-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, current_date - day * 5,
                   CASE WHEN n %% 20 = 0 THEN 100 ELSE 1000 END
            FROM generate_series(1, %s) n, generate_series(0, 4) day
            """,
            [MEMBERS],
        )
        connection.execute("VACUUM (ANALYZE) loyalty_standing, loyalty_turnoverday")
