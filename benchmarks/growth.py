"""Whether cost grows with the ledger: the same figures at a million and at ten million entries, measured in turns.

BENCH_ENTRIES="1000000,10000000" are the sizes. The larger takes some minutes to fill, and stays.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from random import Random
from urllib.parse import urlsplit

from benchmarks import batches, copies, filling, ground, http, reads
from benchmarks.table import Row
from kernel import clock
from kernel.db import fetch_all
from wallet.selectors import get_balances
from wallet.services.proofs import prove
from wallet.services.sealing import seal_ledger
from wallet.services.verification import count_entries

SIZES = [int(size) for size in os.environ.get("BENCH_ENTRIES", "1000000,10000000").split(",")]
SMALL = "bench_small"
ROUNDS = 3
_TABLES = ("wallet_transfer", "wallet_entry", "wallet_transferkey", "wallet_account")
_MANY = 100_000
_TARGET = "0.90 (stretch 0.95)"


def rows(seconds: int) -> Iterator[Row]:
    sizes = []
    for size in SIZES:
        started = time.perf_counter()
        filling.fill(size)
        _seal()
        sizes.append(count_entries())
        print(f"  {sizes[-1]:,} entries after {time.perf_counter() - started:.0f} s of filling", flush=True)
        if size == SIZES[0]:
            copies.copy(SMALL)
    large = urlsplit(os.environ["DATABASE_URL"]).path[1:]
    copies.settle()
    figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(ROUNDS):
        for name in (SMALL, large):
            with copies.using(name):
                for what, figure in _measure(seconds):
                    figures[what][name].append(figure)
    for name in (SMALL, large):
        with copies.using(name):
            figures["verify_ledger, with the seals of all of it"][name].append(_verify())
            _seal()  # what the measurements have posted
            figures["verify_ledger --since-last"][name].append(_verify(since_last=True))
    copies.drop(SMALL)
    of = f"{sizes[1]:,} entries / {sizes[0]:,}"
    for what, by_name in figures.items():
        figure, reference = (sum(by_name[name]) / len(by_name[name]) for name in (large, SMALL))
        paged = what.startswith("history")
        yield Row(f"{what}: {of}", figure, reference, "at most 1.1" if paged else _TARGET, " ms" if paged else "/s")


def _measure(seconds: int) -> Iterator[tuple[str, float]]:
    with http.server() as (port, token):
        yield "history page, p95", reads.history(port, token).figure
        yield "play over HTTP, 8 connections", ground.in_processes(8, seconds, http.caller(port, token, http.play))
        yield (
            "balance over HTTP, 8 connections",
            ground.in_processes(8, seconds, http.caller(port, token, reads.balance)),
        )
    before = _read_in_sequence()
    yield "play by pgbench, 4 clients", ground.pgbench(4, seconds)
    yield "play in-process, 4 workers", ground.in_processes(4, seconds, ground.play_once)
    yield "balance in-process, 4 workers", ground.in_processes(4, seconds, _balance)
    placed = ground.in_processes(4, seconds, batches.place)
    yield f"plays in batches of {batches.ITEMS}, in-process, 4 workers", batches.ITEMS * placed
    after = _read_in_sequence()
    whole = [name for name, (read, live) in after.items() if live > _MANY and read - before[name][0] >= live]
    assert not whole, f"tables that the hot path has read whole: {', '.join(whole)}"


def _seal() -> None:
    for _ in seal_ledger(at=clock.now()):
        pass


def _verify(*, since_last: bool = False) -> float:
    """Entries a second of `verify_ledger`, rules and seals."""
    started = time.perf_counter()
    proof = prove(since_last=since_last, fresh=not since_last, at=clock.now())
    assert proof.sound, proof.broken
    return proof.entries / (time.perf_counter() - started)


def _balance(random: Random) -> None:
    get_balances(ground.player_id(random.randint(1, ground.PLAYERS)))


def _read_in_sequence() -> dict[str, tuple[int, int]]:
    """Rows of each table of the ledger that were read in sequence so far, and how many it has.

    Not the number of scans: the summaries of BRIN indexes, which autovacuum makes range by range, count among these.
    """
    time.sleep(1.5)  # until every session that is idle or gone has told
    rows = fetch_all(
        "SELECT relname, seq_tup_read, n_live_tup FROM pg_stat_user_tables WHERE relname LIKE ANY(%s)",
        [[f"{name}%" for name in _TABLES]],
    )
    return {row["relname"]: (row["seq_tup_read"], row["n_live_tup"]) for row in rows}
