"""What the benchmarks stand on: ten thousand players with money, one game, and the same random bets for everybody."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial, reduce
from multiprocessing import get_context
from random import Random
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID, uuid4

from django.db import connection

from compliance.services.play_gate import ensure
from kernel import clock
from kernel.actors import system
from kernel.db import ROOT, fetch_all
from kernel.money import Money
from players.models import Player, Profile, User
from pms.runtime.home import find_home
from pms.runtime.postgres import find_binaries
from wallet.services.bets import play
from wallet.services.games import upsert_games
from wallet.services.posting import post
from wallet.types import GameCategory, GameDetails, Outcome

PLAYERS = 10_000
_SAMPLE_S = 0.02
GAME = "bench"
ACTOR = system("bench")
AT = datetime(2026, 1, 1, tzinfo=UTC)
STAKE_MINOR = 100

# Random player, random key, every second bet wins: exactly what play_once does. (pgbench reads :name in strings, too.)
PGBENCH_PLAY = f"""\\set n random(1, {PLAYERS})
\\set won random(0, 1)
SELECT outcome, reason, transfer_id, win_transfer_id, real_minor, bonus_minor FROM wallet_bet(
    ('00000000-0000-7000-8000-' || lpad(to_hex(:n::int), 12, '0'))::uuid, 'bench', gen_random_uuid()::text, '{GAME}',
    'round', 'EUR', {STAKE_MINOR}, :won::bigint * {STAKE_MINOR}, now(), 'bench', '');
"""


def player_id(number: int) -> UUID:
    return UUID(f"00000000-0000-7000-8000-{number:012x}")


def prepare() -> None:
    """Make players and money, as far as they are missing. Inserted directly: registration is not what is measured."""
    upsert_games(
        [GameDetails(GAME, "Bench", "bench", GameCategory.SLOTS, Decimal("0.5"), exclusive=False, active=True)]
    )
    if Player.objects.filter(id=player_id(PLAYERS)).exists():
        ensure(player_ids=[player_id(n) for n in range(1, PLAYERS + 1)], at=clock.now())
        return
    numbers = range(1, PLAYERS + 1)
    users = User.objects.bulk_create(
        [User(username=f"bench{n}", email=f"bench{n}@example.com", kind="player", password="!") for n in numbers]  # noqa: S106
    )
    Player.objects.bulk_create(
        [
            Player(id=player_id(n), user=user, country="IE", currency="EUR", registered_at=AT)
            for n, user in zip(numbers, users, strict=True)
        ]
    )
    Profile.objects.bulk_create([Profile(player_id=player_id(n)) for n in numbers])
    ensure(player_ids=[player_id(n) for n in numbers], at=clock.now())
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(_fund, [numbers[start::4] for start in range(4)]))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _fund(numbers: range) -> None:
    for n in numbers:
        move = ["deposit", player_id(n), None, "payments", "EUR", 10**9, "bench", f"fund {n}", AT, str(ACTOR), ""]
        assert post("wallet_move", move, "EUR").ok
    connection.close()


def play_once(random: Random) -> None:
    posting = play(
        player_id=player_id(random.randint(1, PLAYERS)),
        source="bench",
        idempotency_key=str(uuid4()),
        game=GAME,
        round_id="round",
        stake=Money(STAKE_MINOR, "EUR"),
        win=Money(STAKE_MINOR * random.randint(0, 1), "EUR"),
        actor=ACTOR,
        at=clock.now(),
    )
    assert posting.outcome is Outcome.APPLIED, posting


def pgbench(clients: int, seconds: int, text: str = PGBENCH_PLAY, database_url: str = "") -> float:
    """Transactions a second of a script, prepared."""
    url = urlsplit(database_url or os.environ["DATABASE_URL"])
    home = find_home()
    script = home.path / "script.pgbench"
    script.write_text(text)
    command = [find_binaries(home) / "pgbench", "-n", "-M", "prepared", "-f", script, "-T", str(seconds)]
    options = parse_qs(url.query).get("options", [""])[0]
    command += [
        "-c",
        str(clients),
        "-j",
        "2",
        "-h",
        url.hostname,
        "-p",
        str(url.port),
        "-U",
        url.username,
        url.path[1:],
    ]
    env = os.environ | {"PGPASSWORD": unquote(url.password or ""), "PGOPTIONS": options}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split("tps = ")[1].split()[0])


def in_processes(count: int, seconds: float, work: Callable[[Random], None]) -> float:
    """Calls of ``work`` a second, in ``count`` processes that start at the same time."""
    connection.close()
    context = get_context("fork")
    gate, queue = context.Barrier(count), context.Queue()
    processes = [context.Process(target=partial(_loop, seconds, work, gate, queue, n)) for n in range(count)]
    for process in processes:
        process.start()
    done = sum(queue.get(timeout=seconds + 30) for _ in processes)
    for process in processes:
        process.join()
    return done / seconds


def _loop(seconds: float, work: Callable[[Random], None], gate: object, queue: object, number: int) -> None:
    random, done = Random(number + time.time()), 0
    work(random)  # connect
    gate.wait()  # type: ignore[attr-defined]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        work(random)
        done += 1
    queue.put(done)  # type: ignore[attr-defined]


def lags(seconds: float, rate: float, consumer: str, table: str) -> list[float]:
    """Ages of the newest bet that a consumer has counted, in seconds, sorted: while bets come at ``rate`` and it runs.

    Its ``table`` has a row a bet, whose id is the event's.
    """
    command = [sys.executable, "manage.py", "consume", consumer]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(4)  # it starts
        random, found, placed, asked = Random(1), [], 0, 0.0
        started = time.perf_counter()
        while (now := time.perf_counter()) < started + seconds:
            if placed < (now - started) * rate:
                play_once(random)
                placed += 1
            if now - asked > _SAMPLE_S and now > started + 1:
                asked = now
                newest = fetch_all(f"SELECT occurred_at FROM {table} ORDER BY id DESC LIMIT 1")
                found.append((clock.now() - newest[0]["occurred_at"]).total_seconds())
    finally:
        process.terminate()
        process.wait(20)
    return sorted(found)


def timed(work: Callable[[Random], None], times: int, random: Random) -> list[float]:
    """Seconds that each of so many calls takes, one after the other."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        work(random)
        took.append(time.perf_counter() - started)
    return took


def at_rate(count: int, seconds: float, rate: float, work: Callable[[Random], None]) -> list[float]:
    """Seconds from when each call was due until it was done, with ``rate`` calls a second due in ``count`` processes."""
    connection.close()
    context = get_context("fork")
    gate, queue = context.Barrier(count), context.Queue()
    every = count / rate
    arguments = [(seconds, every, work, gate, queue, n) for n in range(count)]
    processes = [context.Process(target=_at_rate, args=args) for args in arguments]
    for process in processes:
        process.start()
    took: list[float] = reduce(operator.iadd, (queue.get(timeout=seconds + 60) for _ in processes), [])
    for process in processes:
        process.join()
    return sorted(took)


def _at_rate(
    seconds: float, every: float, work: Callable[[Random], None], gate: object, queue: object, number: int
) -> None:
    random, took = Random(number + time.time()), []
    work(random)  # connect
    gate.wait()  # type: ignore[attr-defined]
    started = time.perf_counter()
    due = started + every * random.random()
    while due < started + seconds:
        time.sleep(max(0.0, due - time.perf_counter()))
        work(random)
        took.append(time.perf_counter() - due)
        due += every
    queue.put(took)  # type: ignore[attr-defined]
