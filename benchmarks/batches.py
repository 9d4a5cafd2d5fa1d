"""The batch of bets, in-process and over HTTP, against single calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from uuid import uuid4

from benchmarks import ground, http
from benchmarks.table import Row
from kernel import clock
from kernel.money import Money
from wallet.services.batches import place_batch
from wallet.types import BatchBet, Outcome

ITEMS = 500


def rows(seconds: int) -> Iterator[Row]:
    reference = ground.pgbench(4, seconds)
    figure = ITEMS * ground.in_processes(4, seconds, place)
    what = f"plays in batches of {ITEMS}"
    yield Row(f"{what}, in-process, 4 workers / pgbench, single calls, 4 clients", figure, reference, "2 (stretch 3)")
    with http.server() as (port, token):
        reference = ground.pgbench(4, seconds)
        figure = ITEMS * ground.in_processes(4, seconds, http.caller(port, token, _body))
    yield Row(
        f"{what}, over HTTP, 4 connections / pgbench, single calls, 4 clients", figure, reference, "2 (stretch 3)"
    )


def place(random: Random) -> None:
    items = [
        BatchBet(
            ground.player_id(random.randint(1, ground.PLAYERS)),
            str(uuid4()),
            ground.GAME,
            "round",
            Money(ground.STAKE_MINOR, "EUR"),
            Money(ground.STAKE_MINOR * random.randint(0, 1), "EUR"),
        )
        for _ in range(ITEMS)
    ]
    postings = place_batch(items=items, source="bench", actor=ground.ACTOR, at=clock.now())
    assert all(posting.outcome is Outcome.APPLIED for posting in postings)


def _body(random: Random) -> tuple[str, str]:
    items = [
        {
            "key": str(uuid4()),
            "player_id": str(ground.player_id(random.randint(1, ground.PLAYERS))),
            "game": ground.GAME,
            "round": "round",
            "stake": "1.00",
            "win": f"{random.randint(0, 1)}.00",
            "currency": "EUR",
        }
        for _ in range(ITEMS)
    ]
    return "wallet/bets:batch", json.dumps({"items": items})
