"""Real bets, every player with a bonus from the start: wagering equals an independent recomputation, and a rebuild."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from bonuses.models import Progress, WageringEntry
from bonuses.selectors import list_grants
from bonuses.services.grants_many import Wanted, grant_many
from events.services.rebuilding import rebuild
from kernel.money import Money
from tests.bonuses.offers import GIFT, live_offer
from tests.consumers import catch_up
from tests.factories import ACTOR, fund, make_game, make_player
from wallet.selectors import get_balances
from wallet.services.bets import play, roll_back_bet
from wallet.types import GameCategory

pytestmark = pytest.mark.usefixtures("db")
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Bet:
    number: int
    player: str
    stake: Decimal
    win: Decimal
    at: datetime


@dataclass
class Plain:
    """One player's bonus of 10.00, to be wagered five times within 90 days, in plain arithmetic."""

    left: Decimal = Decimal(50)
    breaches: int = 0
    done: bool = False
    counted: dict[int, Decimal] = field(default_factory=dict)

    def bet(self, bet: Bet) -> None:
        if self.done:
            return
        if bet.stake > 20:
            self.breaches += 1
            return
        self.counted[bet.number] = min(bet.stake, self.left)
        self.left -= self.counted[bet.number]
        self.done = self.left == 0

    def undo(self, bet: Bet) -> None:
        if not self.done:
            self.left += self.counted.pop(bet.number, Decimal(0))


def go(bets: list[Bet]) -> None:
    make_game("crash", GameCategory.CRASH)
    start = bets[0].at - timedelta(minutes=1)
    live_offer(
        GIFT, code="start", wagering={"multiple": "5", "days": 90, "max_stake": {"EUR": "20.00"}}, on_withdrawal="keep"
    )
    people: dict[str, UUID] = {name: make_player(at=start).id for name in sorted({bet.player for bet in bets})}
    for name, player_id in people.items():
        staked = sum((bet.stake for bet in bets if bet.player == name), Decimal(0))
        fund(player_id, f"{staked + 1:.2f}", at=start)
    given = grant_many(offer="start", wanted=[Wanted(id_, "start") for id_ in people.values()], actor=ACTOR, at=start)
    assert all(row.grant_id for row in given)
    plain: dict[str, Plain] = defaultdict(Plain)
    dice = Random(1)
    for bet in bets:
        frame = {"player_id": people[bet.player], "source": "test", "actor": ACTOR, "at": bet.at}
        stake, win = (Money.parse(f"{amount}", "EUR") for amount in (bet.stake, bet.win))
        key = str(bet.number)
        posted = play(**frame, idempotency_key=key, game="crash", round_id=key, stake=stake, win=win)
        assert posted.ok, posted
        plain[bet.player].bet(bet)
        if not bet.win and dice.random() < 0.03:
            undone = roll_back_bet(
                **frame, idempotency_key=f"undo {bet.number}", bet_key=str(bet.number), currency="EUR"
            )
            assert undone.ok, undone
            plain[bet.player].undo(bet)
        if dice.random() < 30 / len(bets):
            catch_up("bonuses.wagering", batch_size=dice.choice([1, 7, 500]))
    catch_up("bonuses.wagering")
    for name, expected in plain.items():
        (grant,) = list_grants(player_id=people[name])
        row = Progress.objects.get(grant_id=grant.id)
        assert (name, row.wagered, row.breaches) == (name, (50 - expected.left) * 100, expected.breaches)
        assert (grant.state == "redeemed") == expected.done, name
        entries = WageringEntry.objects.filter(grant_id=grant.id)
        assert sum((entry.counted for entry in entries), Decimal(0)) == row.wagered
        if expected.done:
            assert get_balances(people[name]).bonus.amount_minor == 0
    assert {True, False} == {expected.done for expected in plain.values()}
    assert rebuild("bonuses.wagering", swap=False).equal


def test_a_few_hundred_bets() -> None:
    dice, at, bets = Random(5), datetime.fromisoformat("2026-03-01T00:00:00Z"), []
    for number in range(300):
        at += timedelta(minutes=dice.randrange(1, 60))
        stake = Decimal(dice.choice(["1.00", "0.33", "5.00", "20.00", "20.01"]))
        win = Decimal(dice.choice(["0.00", "0.00", "2.50", "40.00"]))
        bets.append(Bet(number, dice.choice("abcdefghijkl") if number % 100 else "seldom", stake, win, at))
    go(bets)


@pytest.mark.slow
def test_ten_thousand_of_the_real_file() -> None:
    corpus = os.environ.get("PMS_CORPUS")
    if not corpus or not (Path(corpus) / "crash_bets.csv").exists():
        pytest.skip("PMS_CORPUS names no folder with crash_bets.csv: the real bets are not here")
    with (Path(corpus) / "crash_bets.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    bets = []
    for row in rows:
        stake = Decimal(row["stake"]).quantize(CENT)
        win = (stake * Decimal(row["cashed_out"] or 0)).quantize(CENT, ROUND_DOWN)
        bets.append(Bet(int(row["bet_id"]), row["player"], stake, win, datetime.fromisoformat(row["placed_at"])))
    go(sorted(bets, key=lambda bet: (bet.at, bet.number))[:10_000])
