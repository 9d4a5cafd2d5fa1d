"""The synthetic casino: reproducible, its games pay their RTP, demo set-up can be repeated."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from random import Random

import pytest
from django.core.management import call_command

from kernel.db import fetch_one
from pms.casino.games import catalogue, draw_win
from pms.casino.live import LiveTraffic
from pms.casino.seeding import Plan, Seeding, tell_story
from pms.casino.stories import Bet
from pms.management.commands import demo_setup
from wallet.services.verification import verify

PLAN = Plan("test", players=20, days=10, until=datetime(2026, 3, 1, tzinfo=UTC), max_bets=300)

LEDGER = """SELECT count(*), sum(amount_minor), md5(string_agg(
    concat_ws(' ', kind, amount_minor, game, reference, occurred_at), ',' ORDER BY kind, reference, occurred_at, amount_minor))
    FROM wallet_transfer WHERE kind <> 'deposit'"""


@pytest.mark.parametrize("game", catalogue(), ids=lambda game: game.code)
def test_a_game_pays_its_rtp_in_the_long_run(game) -> None:
    random, rounds = Random(game.code), 60_000
    wins = [draw_win(game, 100, random) for _ in range(rounds)]
    mean = sum(wins) / rounds / 100
    spread = (sum((win / 100 - mean) ** 2 for win in wins) / rounds / rounds) ** 0.5
    assert abs(mean - float(game.details.rtp)) < 4.5 * spread + 0.002


def test_sixty_games_with_unlike_codes() -> None:
    assert len({game.code for game in catalogue()}) == 60


def test_the_same_plan_tells_the_same_story_and_keeps_its_limit() -> None:
    told = [step[2] for step in tell_story(PLAN)[1]]
    assert told == [step[2] for step in tell_story(PLAN)[1]]
    assert [action.at for action in told] == sorted(action.at for action in told)
    assert all(action.at < PLAN.until for action in told)
    assert 200 <= sum(isinstance(action, Bet) for action in told) <= 300


def seed() -> Seeding:
    seeding = Seeding(PLAN, workers=4)
    seeding.run()
    return seeding


def test_seeding_twice_changes_nothing_and_every_bet_goes_through(db: None) -> None:
    assert seed().counts["bets refused"] == 0
    before = fetch_one(LEDGER)
    seed()
    assert fetch_one(LEDGER) == before
    assert [finding for finding in verify() if finding.broken] == []


_ledgers: list[tuple[object, ...]] = []


@pytest.mark.parametrize("time", [1, 2])
def test_another_database_gets_the_same_ledger_from_the_same_plan(db: None, time: int) -> None:
    seed()
    _ledgers.append(fetch_one(LEDGER))
    assert _ledgers[0] == _ledgers[-1]


def test_live_traffic_registers_deposits_and_plays(db: None) -> None:
    traffic = LiveTraffic(seed="test", rate=1000)
    waits = iter(range(300))
    traffic.stopping.wait = lambda timeout=None: next(waits, None) is None  # type: ignore[method-assign]
    traffic.run()
    assert traffic.counts["bets"] > 100
    assert traffic.counts["players"] > 0
    assert traffic.counts["deposits"] > 0


def test_demo_setup_can_be_repeated_and_keeps_passwords(db: None, tmp_path: Path, settings, monkeypatch) -> None:
    settings.PMS_HOME = tmp_path
    monkeypatch.setattr(demo_setup, "PLAYERS", 10)
    monkeypatch.setattr(demo_setup, "MAX_BETS", 2000)
    call_command("demo_setup", stdout=StringIO())
    accounts = (tmp_path / "demo-accounts.json").read_text()
    players = fetch_one("SELECT count(*) FROM players_player")
    assert players == (10,)
    assert (tmp_path / "demo-accounts.json").stat().st_mode & 0o777 == 0o600
    assert {"who", "where", "login", "password", "note", "totp"} == set(json.loads(accounts)[0])
    assert fetch_one("SELECT sum(bets) FROM analytics_daytotals")[0] > 0
    call_command("demo_setup", stdout=StringIO())
    assert (tmp_path / "demo-accounts.json").read_text() == accounts
    assert fetch_one("SELECT count(*) FROM players_player") == players
