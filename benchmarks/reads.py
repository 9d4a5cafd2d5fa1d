"""Balances, pages of a long history, exports, and what all this takes of memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from random import Random

from benchmarks import filling, ground, http
from benchmarks.table import Row
from kernel.db import fetch_one
from kernel.rest.pagination import encode_cursor

PAGES = 300

# Exports everything in a process of its own: rows, seconds, and the most memory that it has had, in MiB.
_EXPORT = """
import os, resource, time
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pms.settings")
import django
django.setup()
from datetime import UTC, datetime
from kernel.actors import system
from wallet.services.exports import export_period
started, rows = time.perf_counter(), -1
whole = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}
for chunk in export_period(**whole, actor=system("bench"), at=datetime.now(UTC)):
    rows += chunk.count(b"\\n")
print(rows, time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def rows(seconds: int) -> Iterator[Row]:
    filling.fill(0)
    with http.server() as (port, token):
        balances = http.caller(port, token, balance)
        yield Row(
            "balance over HTTP, 8 connections",
            ground.in_processes(8, seconds, balances),
            None,
            "3,000/s (stretch 5,000)",
        )
        yield history(port, token)
        workers = http.worker_memory()
    yield Row("memory of a web worker after that", max(workers), None, "250 MiB", " MiB")
    done = subprocess.run([sys.executable, "-c", _EXPORT], stdout=subprocess.PIPE, text=True, check=True)
    count, took, memory = map(float, done.stdout.split())
    yield Row(f"CSV of {count:,.0f} transfers", count / took, None, "300,000/s (stretch 700,000)")
    yield Row("memory of that export", memory, None, "250 MiB", " MiB")


def history(port: int, token: str) -> Row:
    """Pages of the heavy player's history, each from another place in it."""
    random = Random(1)
    addresses = iter([_page(random.randrange(filling.HEAVY_ENTRIES // 3)) for _ in range(PAGES + 1)])
    call = http.caller(port, token, lambda _: (next(addresses), None))
    call(random)  # connect
    took = sorted(ground.timed(call, PAGES, random))
    name = f"history page of 50 rows, player with {filling.HEAVY_ENTRIES:,} entries, p95"
    return Row(name, took[PAGES * 95 // 100] * 1000, None, "30 ms (stretch 15)", " ms")


def balance(random: Random) -> tuple[str, None]:
    return f"players/{ground.player_id(random.randint(1, ground.PLAYERS))}/balance", None


def _page(place: int) -> str:
    (before,) = fetch_one(
        "SELECT id FROM wallet_transfer WHERE player_id = %s ORDER BY id DESC OFFSET %s LIMIT 1", [filling.HEAVY, place]
    )
    return f"players/{filling.HEAVY}/transactions?cursor={encode_cursor((before,))}"
