"""A file of real bets goes through the whole house; what comes out equals a recomputation from the file alone."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from pathlib import Path
from random import Random

import pytest
from django.core.management import call_command

from analytics.selectors import list_days
from events.ports import list_consumers
from events.selectors import list_dead_letters
from events.services.consuming import Runner
from kernel import clock
from kernel.db import fetch_one
from loyalty.selectors import get_standing
from players.selectors import find_player_by_login
from tests.database import DATABASE, owner_url
from wallet.selectors import get_balances
from wallet.services.verification import verify

pytestmark = pytest.mark.usefixtures("db")

PROJECT = Path(__file__).resolve().parents[2]
CENT = Decimal("0.01")
LEVELS = ((200_000, "platinum", "1.5"), (50_000, "gold", "1.25"), (10_000, "silver", "1.1"), (0, "bronze", "1"))


@dataclass
class Expected:
    """A player as the file alone makes them."""

    balance: Decimal = Decimal(0)
    turnover: Decimal = Decimal(0)
    points: Decimal = Decimal(0)


@dataclass
class Recomputed:
    players: dict[str, Expected] = field(default_factory=lambda: defaultdict(Expected))
    days: dict[date, list[Decimal]] = field(default_factory=lambda: defaultdict(lambda: [Decimal(0)] * 2))


def level_of(turnover: Decimal) -> tuple[str, Decimal]:
    return next((code, Decimal(multiplier)) for threshold, code, multiplier in LEVELS if turnover >= threshold)


def recompute(path: Path) -> Recomputed:
    """Plain arithmetic over the file: nothing of the system is used."""
    result = Recomputed()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            stake = Decimal(row["stake"])
            win = (stake * Decimal(row["cashed_out"] or 0)).quantize(CENT, ROUND_DOWN)
            player = result.players[row["player"]]
            if player.balance < stake:
                player.balance += 50 * ((stake - player.balance) / 50).to_integral_value(ROUND_CEILING)
            player.balance += win - stake
            player.points += stake * level_of(player.turnover)[1]
            player.turnover += stake
            day = datetime.fromisoformat(row["placed_at"]).astimezone(UTC).date()
            stakes, wins = result.days[day]
            result.days[day] = [stakes + stake, wins + win]
    return result


def small_file(path: Path) -> Path:
    """Some 400 bets of 12 players, two of whom stake enough to climb through the levels."""
    random = Random(7)
    at = datetime(2024, 5, 1, 22, 0, tzinfo=UTC)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["bet_id", "round_id", "player", "stake", "cashed_out", "busted_at", "profit", "placed_at"])
        for number in range(400):
            at += timedelta(minutes=random.randrange(20))
            player = random.choices(range(12), [6, 6] + [2] * 10)[0]
            stake = random.choice(["5000", "2500.50", "9999"] if player < 2 else ["1", "3.33", "20", "0.07", "150"])
            busted = round(1 + random.expovariate(0.9), 2)
            left = round(1 + random.expovariate(1.2), 2)
            cashed_out = left if left < busted else ""
            when = at.isoformat().replace("+00:00", "Z")
            writer.writerow([number, number // 2, f"gen{player:02}", stake, cashed_out, busted, "", when])
    return path


def replay(path: Path) -> None:
    call_command("replay_bets", str(path), "--workers", "4")


def drain() -> None:
    while sum(Runner(consumer).drain(clock.now()) for consumer in list_consumers()):
        pass


def snapshot() -> dict[str, object]:
    """Everything that a second run could change."""
    tables = [
        "wallet_transfer",
        "wallet_entry",
        "wallet_deposit",
        "wallet_account",
        "players_player",
        "loyalty_standing",
    ]
    counts = {table: fetch_one(f"SELECT count(*) FROM {table}")[0] for table in tables}
    balances = fetch_one("SELECT array_agg(balance_minor ORDER BY id) FROM wallet_account WHERE player_id IS NOT NULL")
    return counts | {"balances": balances[0]}


def assert_equals_file(path: Path) -> None:
    expected = recompute(path)
    days = {day.day: day for day in list_days(min(expected.days), max(expected.days))}
    assert {day: [d.stakes_real.major, d.wins_real.major] for day, d in days.items() if d.bets} == dict(expected.days)
    assert all(days[day].ggr.major == stakes - wins for day, (stakes, wins) in expected.days.items())
    for login, figures in expected.players.items():
        player = find_player_by_login(login)
        assert player, login
        standing = get_standing(player.id, clock.now())
        found = (get_balances(player.id).total.major, standing.turnover_eur, standing.points, standing.level.code)
        points = int(figures.points.to_integral_value(ROUND_FLOOR))
        assert found == (figures.balance, figures.turnover, points, level_of(figures.turnover)[0]), login
    assert fetch_one("SELECT count(*) FROM players_player")[0] == len(expected.players)
    assert list_dead_letters() == []
    assert [finding for finding in verify() if finding.broken] == []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return small_file(tmp_path / "bets.csv")


def test_a_small_file_gives_what_the_file_says(file: Path) -> None:
    replay(file)
    drain()
    assert {level_of(player.turnover)[0] for player in recompute(file).players.values()} >= {"bronze", "platinum"}
    assert_equals_file(file)
    call_command("verify_ledger")


def test_a_second_run_changes_nothing(file: Path) -> None:
    replay(file)
    drain()
    before = snapshot()
    replay(file)
    drain()
    assert snapshot() == before


def test_killed_half_way_and_started_again_it_ends_in_the_same_figures(file: Path) -> None:
    command = [sys.executable, "manage.py", "replay_bets", str(file), "--workers", "2"]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in until(60):
            if fetch_one("SELECT count(*) FROM wallet_transfer WHERE kind = 'bet'")[0] >= 40:
                break
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    played = fetch_one("SELECT count(*) FROM wallet_transfer WHERE kind = 'bet'")[0]
    assert 40 <= played < 400
    replay(file)
    drain()
    assert_equals_file(file)


@pytest.mark.parametrize("consumer", ["loyalty.accrual", "analytics.day-totals"])
def test_a_rebuild_from_event_zero_gives_the_same(file: Path, consumer: str) -> None:
    replay(file)
    drain()
    rebuild = subprocess.run(
        [sys.executable, "manage.py", "events", "rebuild", consumer],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_OWNER_URL": owner_url(DATABASE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert rebuild.returncode == 0, rebuild.stderr
    assert "equal" in rebuild.stdout


@pytest.mark.slow
def test_the_real_file_gives_what_the_file_says() -> None:
    corpus = os.environ.get("PMS_CORPUS")
    if not corpus or not (Path(corpus) / "crash_bets.csv").exists():
        pytest.skip("PMS_CORPUS names no folder with crash_bets.csv: the real bets are not here")
    file = Path(corpus) / "crash_bets.csv"
    replay(file)
    drain()
    assert_equals_file(file)
    before = snapshot()
    replay(file)
    drain()
    assert snapshot() == before


def until(seconds: float) -> Iterator[None]:
    """Try again and again; fails the test when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
    pytest.fail(f"not within {seconds} s")
