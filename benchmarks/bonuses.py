"""What bonuses cost: counting bets for wagering, cashback and lists for many players, simulations, codes.

``BENCH_BONUSES`` players (at most the ten thousand there are), ``BENCH_SIMULATED`` made-up ones, ``BENCH_CODES`` codes.
"""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from django.db import connection

from benchmarks import ground
from benchmarks.table import Row
from bonuses import rules_simulation
from bonuses.rules_simulation import GAMES, Model
from bonuses.selectors import list_offers
from bonuses.services.codes import make_codes
from bonuses.services.grants import forfeit_all
from bonuses.services.lists import award_list, get_list, work_lists
from bonuses.services.offers import ensure_offer, parse_rule, stop_offer
from bonuses.services.triggers import award_due
from bonuses.types import ForfeitedBy, OfferState
from bonuses.types_offer import OfferRule
from events.ports import get_consumer
from events.services.consuming import Runner
from kernel import clock

PLAYERS = min(ground.PLAYERS, int(os.environ.get("BENCH_BONUSES", "10000")))
SIMULATED = int(os.environ.get("BENCH_SIMULATED", "100000"))
CODES = int(os.environ.get("BENCH_CODES", "1000000"))
# What every bonus of money does in the end: what gives it can be no faster.
PGBENCH_PURSE = f"""\\set n random(1, {ground.PLAYERS})
SELECT * FROM wallet_open_purse(('00000000-0000-7000-8000-' || lpad(to_hex(:n::int), 12, '0'))::uuid, gen_random_uuid(),
    'EUR', 100, 100, NULL, NULL, now() + interval '1 hour', 'bench', gen_random_uuid()::text, now(), 'bench', '');
"""


def rows(seconds: float) -> Iterator[Row]:
    """The offers of a run are its own; those of earlier runs end first, with what they gave."""
    run = f"bench-{time.time_ns():x}"
    players = [ground.player_id(number) for number in range(1, PLAYERS + 1)]
    yield from simulated()
    for offer in list_offers(state=OfferState.LIVE):
        if offer.code.startswith("bench-"):
            stop_offer(code=offer.code, reason="bench", actor=ground.ACTOR, at=clock.now())
    for player_id in players:
        forfeit_all(player_id=player_id, by=ForfeitedBy.STAFF, actor=ground.ACTOR, at=clock.now())
    reference = ground.pgbench(1, int(seconds), PGBENCH_PURSE)

    gift = rule(award={"kind": "fixed", "amount": {"EUR": "1.00"}}, trigger={"kind": "manual"})
    ensure_offer(code=f"{run}-list", name="Bench list", rule=gift, at=clock.now())
    listed = award_list(
        offer=f"{run}-list", player_ids=players, note="bench", idempotency_key=run, actor=ground.ACTOR, at=clock.now()
    )
    started = time.perf_counter()
    while get_list(listed.id).left:
        work_lists(at=clock.now())
    took = time.perf_counter() - started
    assert get_list(listed.id).given == PLAYERS, get_list(listed.id)
    yield Row(f"a list of {PLAYERS:,} players, real money / pgbench opening purses", PLAYERS / took, reference)

    yield from consumed("players without bonuses", seconds)
    cashback = rule(
        award={"kind": "cashback", "percent": "10", "cap": {"EUR": "100.00"}},
        trigger={"kind": "schedule"},
        wagering={"multiple": "1000"},
    )
    ensure_offer(code=f"{run}-cash", name="Bench cashback", rule=cashback, at=clock.now())
    lose(PLAYERS)
    started = time.perf_counter()
    given = award_due(at=clock.now(), limit=PLAYERS)
    took = time.perf_counter() - started
    assert given == PLAYERS, given
    yield Row(f"cashback for {given:,} players / pgbench opening purses", given / took, reference)
    yield from consumed(f"{given:,} of {ground.PLAYERS:,} players with bonuses", seconds)
    half = ground.in_processes(2, seconds, ground.play_once) / 2
    lags = ground.lags(seconds, half, "bonuses.wagering", "bonuses_wageringentry")
    yield Row("wagering behind bets at half that rate, p99", lags[len(lags) * 99 // 100] * 1000, None, "2,000", " ms")
    code_offer = rule(award={"kind": "fixed", "amount": {"EUR": "1.00"}}, trigger={"kind": "code"})
    ensure_offer(code=f"{run}-code", name="Bench codes", rule=code_offer, at=clock.now())
    started = time.perf_counter()
    make_codes(
        offer=f"{run}-code", name=run, size=CODES, idempotency_key=run, actor=ground.ACTOR, at=clock.now()
    )  # fmt: skip
    yield Row(
        f"codes made, {CODES:,}", CODES / (time.perf_counter() - started), None, "a million in half a minute: 33,000/s"
    )


def simulated() -> Iterator[Row]:
    """A welcome bonus wagered thirty times, and what it takes in memory beyond what was there."""
    welcome = rule(
        award={"kind": "deposit_match", "percent": "100", "cap": {"EUR": "100.00"}},
        trigger={"kind": "deposit", "nth": 1},
        wagering={"multiple": "30"},
    )
    model = Model(SIMULATED, 1, "EUR", rules_simulation.assumed_deposits(2_500), GAMES[0], Decimal(2), 200)
    started = time.perf_counter()
    rules_simulation.simulate(welcome, model)
    took = time.perf_counter() - started
    yield Row(f"players simulated, {SIMULATED:,}", SIMULATED / took, None, "100,000 in seconds: 20,000/s")
    tracemalloc.start()
    rules_simulation.simulate(welcome, model)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    yield Row(f"{SIMULATED:,} players simulated, most memory", peak, None, "100 MiB", " MiB")


def consumed(who: str, seconds: float) -> Iterator[Row]:
    """Bets of that time counted afterwards, beside the rate at which they came: below 1, it falls behind under such load."""
    runner = Runner(get_consumer("bonuses.wagering"))
    runner.drain(clock.now())
    rate = ground.in_processes(2, seconds, ground.play_once)
    started = time.perf_counter()
    events = runner.drain(clock.now())
    took = time.perf_counter() - started
    yield Row(f"bonuses.wagering, {who} / bets, 2 workers", events / took, rate, "1: it keeps up")


def lose(players: int) -> None:
    """Everybody has lost ten euros yesterday. Inserted directly: keeping days is not what is measured."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO bonuses_playday AS known (player_id, day, currency, staked_minor, won_minor)
               VALUES (%s, %s, 'EUR', 1000, 0)
               ON CONFLICT (player_id, day) DO UPDATE SET staked_minor = known.won_minor + 1000""",
            [
                (ground.player_id(number), clock.now().date() - timedelta(days=1))
                for number in range(1, players + 1)
            ],
        )  # fmt: skip


def rule(**parts: object) -> OfferRule:
    return parse_rule(json.dumps({"eligibility": {"per_player": 0}, "titles": {"en": "Bench"}, **parts}))
