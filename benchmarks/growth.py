"""Whether cost grows with the ledger: the same figures at a million and at ten million entries.

BENCH_ENTRIES="1000000,10000000" are the sizes. The larger takes some minutes to fill, and stays.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from benchmarks import filling, ground, http, reads
from benchmarks.table import Row
from kernel import clock
from kernel.db import fetch_all
from wallet.selectors import get_balances
from wallet.services.proofs import prove
from wallet.services.verification import count_entries

SIZES = [int(size) for size in os.environ.get("BENCH_ENTRIES", "1000000,10000000").split(",")]
_TABLES = ("wallet_transfer", "wallet_entry", "wallet_transferkey", "wallet_account")


@dataclass(frozen=True, slots=True)
class Figures:
    """What is measured at one size. Milliseconds of a page; the rest per second."""

    entries: int
    play: float
    play_in_process: float
    balance: float
    page_ms: float
    verified: float


def rows(seconds: int) -> Iterator[Row]:
    small, large = [_at(size, seconds) for size in SIZES]
    of = f"{large.entries:,} entries / {small.entries:,}"
    yield Row(f"play by pgbench, 4 clients: {of}", large.play, small.play, "0.90 (stretch 0.95)")
    yield Row(f"play in-process, 4 workers: {of}", large.play_in_process, small.play_in_process, "0.90 (stretch 0.95)")
    yield Row(f"balance in-process, 4 workers: {of}", large.balance, small.balance, "0.90 (stretch 0.95)")
    yield Row(f"history page, p95: {of}", large.page_ms, small.page_ms, "at most 1.1", " ms")
    yield Row(f"verify_ledger: {of}", large.verified, small.verified, "0.90; 100,000/s (stretch 300,000)")


def _at(entries: int, seconds: int) -> Figures:
    started = time.perf_counter()
    filling.fill(entries)
    print(f"  {count_entries():,} entries after {time.perf_counter() - started:.0f} s of filling", flush=True)
    scanned = _scans()
    with http.server() as (port, token):
        page = reads.history(port, token)
    play = in_process = 0.0
    for _ in range(2):
        play += ground.pgbench(4, seconds) / 2
        in_process += ground.in_processes(4, seconds, ground.play_once) / 2
    balance = ground.in_processes(4, seconds, _balance)
    assert _scans() == scanned, "a statement of the hot path has read a whole table"
    started = time.perf_counter()
    proof = prove(fresh=True, at=clock.now())
    took = time.perf_counter() - started
    assert proof.sound, proof.broken
    return Figures(count_entries(), play, in_process, balance, page.figure, proof.entries / took)


def _balance(random: Random) -> None:
    get_balances(ground.player_id(random.randint(1, ground.PLAYERS)))


def _scans() -> dict[str, int]:
    """How often each table of the ledger was read whole."""
    time.sleep(1.5)  # until every session that is idle or gone has told
    rows = fetch_all(
        "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname LIKE ANY(%s)",
        [[f"{name}%" for name in _TABLES]],
    )
    return {row["relname"]: row["seq_scan"] for row in rows}
