"""The synthetic casino: `casino seed` fills an empty database, `casino live` plays on it. See docs/operators/casino.md."""

from __future__ import annotations

import argparse
import signal
import time
from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from kernel import clock
from pms.casino.live import LiveTraffic
from pms.casino.seeding import Plan, Seeding

LINE_EVERY_S = 5.0


class Command(BaseCommand):
    help = "Invented players: `casino seed` lets them live through past weeks, `casino live` plays until stopped."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        seed = commands.add_parser("seed", help="the same arguments give the same ledger figures")
        seed.add_argument("--players", type=int, default=300)
        seed.add_argument("--days", type=int, default=60)
        seed.add_argument("--seed", default="1")
        seed.add_argument("--max-bets", type=int, default=50_000)
        seed.add_argument(
            "--until", help="end of the last day played, ISO 8601 with zone; the last full hour by default"
        )
        seed.add_argument("--workers", type=int, default=6)
        live = commands.add_parser("live", help="until SIGTERM or Ctrl-C")
        live.add_argument("--seed", default="1")
        live.add_argument("--rate", type=float, default=6.0, help="bets a second (default 6)")

    def handle(self, *, command: str, **options: Any) -> None:
        getattr(self, command)(**options)

    def seed(
        self, *, players: int, days: int, seed: str, max_bets: int, until: str | None, workers: int, **_: Any
    ) -> None:
        if min(players, days, max_bets, workers) < 1:
            raise CommandError("--players, --days, --max-bets and --workers must be at least 1.")
        plan = Plan(seed, players, days, _read_until(until), max_bets)
        started = time.monotonic()
        counts = run_seed(plan, workers, self.stdout.write)
        for what, count in sorted(counts.items()):
            self.stdout.write(f"{what:20} {count}")
        seconds = time.monotonic() - started
        self.stdout.write(f"{'seconds':20} {seconds:.1f}\n{'bets/s':20} {counts['bets'] / max(seconds, 0.001):,.0f}")

    def live(self, *, seed: str, rate: float, **options: Any) -> None:
        if not 0 < rate <= 1000:
            raise CommandError("--rate must be above 0, and at most 1000.")
        traffic = LiveTraffic(seed=seed, rate=rate)
        for stop in (signal.SIGTERM, signal.SIGINT):
            signal.signal(stop, lambda *args: traffic.stopping.set())
        try:
            traffic.run()
        except (OperationalError, InterfaceError):
            if not traffic.stopping.is_set():
                raise
        self.stdout.write(", ".join(f"{count} {what}" for what, count in sorted(traffic.counts.items())))


def run_seed(plan: Plan, workers: int, say: Any) -> Counter[str]:
    """Run a plan and say every few seconds how far it is; what happened."""
    seeding = Seeding(plan, workers=workers)
    said_at = time.monotonic()

    def progress(counts: Counter[str]) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= LINE_EVERY_S:
            said_at = time.monotonic()
            say(f"  {counts['players']} players, {counts['bets']} bets")

    seeding.run(progress)
    return seeding.counts


def _read_until(text: str | None) -> datetime:
    if text is None:
        return clock.now().replace(minute=0, second=0, microsecond=0)
    try:
        return clock.as_utc(datetime.fromisoformat(text))
    except ValueError as problem:
        raise CommandError(f"--until: {problem}") from None
