"""`make bench`: each figure beside its reference, measured in the same minutes; ratios count, not absolute figures.

`make bench ARGS="play http"` runs some of them: BENCHMARKS below. Growth and audit only run when they are named: they
fill ten million entries, a million records.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pms.settings")
import django

django.setup()

from benchmarks import (
    access,
    adapters,
    audit,
    batches,
    bonuses,
    costs,
    ground,
    growth,
    http,
    login,
    loyalty,
    reads,
    rivals,
)
from benchmarks.table import Row
from events.ports import get_consumer
from events.services.consuming import Runner
from kernel import clock
from pms.replay.playing import Replay
from wallet.services.verification import count_entries, verify

SECONDS = int(os.environ.get("BENCH_SECONDS", "6"))
ROUNDS = 2
RESULTS = Path(__file__).parent / "results"


def play() -> Iterator[Row]:
    """`wallet.services.bets.play` in four processes, against pgbench calling the same function with four clients."""
    reference = figure = 0.0
    for _ in range(ROUNDS):
        reference += ground.pgbench(4, SECONDS) / ROUNDS
        figure += ground.in_processes(4, SECONDS, ground.play_once) / ROUNDS
    yield Row("play in-process, 4 workers / pgbench, 4 clients", figure, reference, "0.55 (stretch 0.70)")


def over_http() -> Iterator[Row]:
    """The same over the API with 8 connections, and how long a play takes at half of that rate."""
    with http.server() as (port, token):
        call = http.caller(port, token, http.play)
        reference = figure = 0.0
        for _ in range(ROUNDS):
            reference += ground.pgbench(8, SECONDS) / ROUNDS
            figure += ground.in_processes(8, SECONDS, call) / ROUNDS
        yield Row("play over HTTP, 8 connections / pgbench, 8 clients", figure, reference, "0.35 (stretch 0.60)")
        took = ground.at_rate(8, 2 * SECONDS, figure / 2, call)
        name = f"play over HTTP at half the peak ({figure / 2:,.0f}/s)"
        yield Row(f"{name}, p50", took[len(took) // 2] * 1000, None, "", " ms")
        yield Row(f"{name}, p99", took[len(took) * 99 // 100] * 1000, None, "25 ms (stretch 10)", " ms")


def aggregator() -> Iterator[Row]:
    """Hub88-style bets: signature, session, posting and log, by wrk over 8 connections; pgbench plays with 8 clients."""
    with http.server() as (port, _):
        reference = ground.pgbench(8, SECONDS)
        figure = adapters.bets_a_second(port, SECONDS)
    yield Row("Hub88-style bets over HTTP, 8 connections / pgbench, 8 clients", figure, reference, "")


def trail() -> Iterator[Row]:
    """The audit trail with a million records: writing, searching, verifying. Not run unless it is named."""
    audit.fill()
    alone, together = audit.records_a_second(SECONDS)
    yield Row("audit records, one transaction each, 1 connection", alone, None, "")
    yield Row("audit records within one transaction, 1 connection", together, None, "")
    for name, milliseconds in audit.search_times().items():
        print(f"audit search by {name}: p95 {milliseconds:.1f} ms")
    yield Row("audit records verified", audit.verified_a_second(), None, "")


def replay() -> Iterator[Row]:
    """`replay_bets` of 3,000 bets by 200 players, registrations and deposits included."""
    random, run = Random(1), f"b{time.time_ns():x}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bets.csv"
        rows = ["bet_id,round_id,player,stake,cashed_out,placed_at"]
        rows += [
            f"{n},{n},{run}-{random.randrange(200)},2,{random.choice(['', '1.9'])},2026-01-01T00:00:00Z"
            for n in range(3000)
        ]
        path.write_text("\n".join(rows))
        started = time.perf_counter()
        runner = Replay(source=run, workers=8, reject=lambda line, reason: print(line, reason))
        runner.run(path)
        seconds = time.perf_counter() - started
    assert runner.counts["bets applied"] == 3000, runner.counts
    yield Row("replay_bets, 8 threads, with registrations and deposits", 3000 / seconds, None, "")


def consumers() -> Iterator[Row]:
    """How fast consumers take what the plays have left in the log."""
    for name, target in (("loyalty.accrual", "the bet rate"), ("analytics.day-totals", "the bet rate")):
        runner = Runner(get_consumer(name))
        started = time.perf_counter()
        events = runner.drain(clock.now())
        seconds = time.perf_counter() - started
        if events:
            yield Row(f"{name}, {events:,} events", events / seconds, None, target)


def verification() -> Iterator[Row]:
    """Every check of the ledger over all that was posted."""
    started = time.perf_counter()
    broken = [finding for finding in verify() if finding.broken]
    seconds = time.perf_counter() - started
    assert not broken, broken
    entries = count_entries()
    yield Row(f"verify_ledger, {entries:,} entries", entries / seconds, None, "100,000/s (stretch 300,000)")


BENCHMARKS: dict[str, Callable[[], Iterator[object]]] = {
    "play": play,
    "http": over_http,
    "batch": lambda: batches.rows(SECONDS),
    "reads": lambda: reads.rows(SECONDS),
    "rivals": lambda: rivals.rows(SECONDS),
    "adapters": aggregator,
    "access": lambda: access.rows(SECONDS),
    "login": lambda: login.rows(SECONDS),
    "replay": replay,
    "consumers": consumers,
    "loyalty": lambda: loyalty.rows(SECONDS),
    "verify": verification,
    "audit": trail,
    "bonuses": lambda: bonuses.rows(SECONDS),
    "costs": lambda: costs.rows(SECONDS),
    "growth": lambda: growth.rows(SECONDS),  # last: it leaves ten million entries behind
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; prints the table and keeps it. Returns the exit code."""
    if unknown := set(names) - BENCHMARKS.keys():
        print(f"No benchmark {', '.join(sorted(unknown))}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    print("Preparing ten thousand players …", flush=True)
    ground.prepare()
    lines = ["| what | figure | reference | ratio | to reach |", "|---|---|---|---|---|"]
    for name in names or [name for name in BENCHMARKS if name not in ("growth", "audit")]:
        print(f"{name} …", flush=True)
        for row in BENCHMARKS[name]():
            lines.append(str(row))
            print(row, flush=True)
    table = "\n".join(lines) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.md").write_text(table)
    print(f"\n{table}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
