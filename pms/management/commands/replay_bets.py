"""Plays a file of real bets through the wallet. See docs/operators/replay.md."""

from __future__ import annotations

import argparse
import csv
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from tqdm import tqdm

from kernel.money import Money
from pms.replay.bets_file import CURRENCY, NotABetsFile, count_lines
from pms.replay.playing import Replay

SHOWN_REJECTS = 20
QUIET_LINE_EVERY_S = 5.0


class Command(BaseCommand):
    help = "Play every bet of a CSV file through the wallet, at its own time; may be stopped and started again."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--workers", type=int, default=8, help="players played at the same time (default 8)")
        parser.add_argument("--source", default="replay", help="whose keys the bets' ids are (default replay)")
        parser.add_argument(
            "--rejects", type=Path, metavar="FILE", help="write every rejected line and its reason here"
        )

    def handle(self, *, file: Path, workers: int, source: str, rejects: Path | None, **options: Any) -> None:
        if not 1 <= workers <= 64:
            raise CommandError("--workers must be between 1 and 64.")
        if not 0 < len(source) <= 80 or not source.isprintable():
            raise CommandError("--source must be 1 to 80 printable characters.")
        started = time.monotonic()
        with ExitStack() as stack:
            try:
                total = count_lines(file)
                rejected = _Rejects(stack.enter_context(rejects.open("w", newline="")) if rejects else None)
            except OSError as error:
                raise CommandError(f"{error.filename}: {error.strerror}") from None
            replay = Replay(source=source, workers=workers, reject=rejected.add)
            problem = _run(replay, file, total)
        self._summarise(replay, rejected, time.monotonic() - started)
        if isinstance(problem, KeyboardInterrupt):
            sys.stderr.write("Stopped. Start it again to go on; nothing is done twice.\n")
            sys.exit(130)
        if isinstance(problem, (NotABetsFile, OSError)):
            raise CommandError(f"{file}: {problem}")
        if isinstance(problem, (OperationalError, InterfaceError)):
            raise CommandError(f"The database stayed away; start again to go on. {problem}")
        if problem:
            raise problem

    def _summarise(self, replay: Replay, rejected: _Rejects, seconds: float) -> None:
        for line, reason in sorted(rejected.first):
            self.stderr.write(f"line {line}: {reason}")
        if rejected.count > len(rejected.first):
            self.stderr.write(f"… and {rejected.count - len(rejected.first)} more; --rejects FILE writes all of them")
        counts, minor = replay.counts, replay.minor
        bets = sum(count for name, count in counts.items() if name.startswith("bets "))
        outcomes = {"applied": 0, "replayed": 0, "refused": 0, "conflict": 0}
        outcomes |= {name.removeprefix("bets "): count for name, count in counts.items() if name.startswith("bets ")}
        rows = {
            "players": counts["players"],
            "deposits": f"{counts['deposits']}, {_euro(minor['deposits'])}",
            "deposits refused": counts["deposits refused"],
            **{f"bets {name}": count for name, count in outcomes.items()},
            "lines rejected": counts["rejected"],
            "lines going back in time": f"{counts['back in time']} (played in the file's order)",
            "stakes": _euro(minor["stakes"]),
            "wins": _euro(minor["wins"]),
            "GGR": _euro(minor["stakes"] - minor["wins"]),
            "seconds": f"{seconds:.1f}",
            "bets/s": f"{bets / max(seconds, 0.001):,.0f}",
        }
        for name, value in rows.items():
            self.stdout.write(f"{name:26} {value}")


class _Rejects:
    """What was rejected: all of it to a file where one was asked for, the first few for the screen."""

    def __init__(self, file: Any) -> None:
        self.count = 0
        self.first: list[tuple[int, str]] = []
        self._lock = threading.Lock()
        self._writer = csv.writer(file) if file else None
        if self._writer:
            self._writer.writerow(["line", "reason"])

    def add(self, line: int, reason: str) -> None:
        with self._lock:
            self.count += 1
            if len(self.first) < SHOWN_REJECTS:
                self.first.append((line, reason))
            if self._writer:
                self._writer.writerow([line, reason])


def _run(replay: Replay, file: Path, total: int | None) -> BaseException | None:
    """Run in a thread of its own, so that this one shows progress and hears Ctrl-C; what went wrong, if anything."""
    problems: list[BaseException] = []

    def work() -> None:
        try:
            replay.run(file)
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        _show_progress(replay, thread, total)
    except KeyboardInterrupt as interrupt:
        replay.stop()
        thread.join()
        return interrupt
    return problems[0] if problems else None


def _show_progress(replay: Replay, thread: threading.Thread, total: int | None) -> None:
    """A bar on a terminal, else a line every few seconds."""
    tty = sys.stderr.isatty()
    with tqdm(total=total, unit=" bets", disable=not tty) as bar:
        shown_at = time.monotonic()
        while thread.is_alive():
            thread.join(0.2)
            done = replay.counts["done"]
            bar.update(done - bar.n)
            if not tty and time.monotonic() - shown_at >= QUIET_LINE_EVERY_S:
                shown_at = time.monotonic()
                sys.stderr.write(f"{done} of {'?' if total is None else total} lines\n")
                sys.stderr.flush()


def _euro(minor: int) -> str:
    return f"{Money(minor, CURRENCY)} {CURRENCY}"
