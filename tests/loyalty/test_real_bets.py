"""Real bets day by day, with the daily review between: levels, turnover and points equal an independent recomputation."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from events.services.rebuilding import rebuild
from loyalty import selectors
from loyalty.services import levels
from tests.consumers import catch_up
from tests.factories import make_player
from tests.loyalty.log import bet_placed, tell_in_parts

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)
Bet = tuple[str, Decimal, datetime]
# code, entered at, kept by 30 days of, multiplier
LADDER = [("bronze", 0, 0, "1"), ("silver", 10_000, "833.33", "1.1"), ("gold", 50_000, "4166.67", "1.25")]
LADDER.append(("platinum", 200_000, "16666.67", "1.5"))


@dataclass
class Plain:
    """One player, in arithmetic that shares nothing with the system's."""

    turnover: Decimal = Decimal(0)
    points: Decimal = Decimal(0)
    here: int = 0
    best: int = 0
    moved_at: datetime | None = None
    by_day: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    moves: list[str] = field(default_factory=list)

    def month(self, day: date) -> Decimal:
        return sum((self.by_day[day - n * DAY] for n in range(30) if day - n * DAY in self.by_day), Decimal(0))

    def bet(self, stake: Decimal, at: datetime) -> None:
        self.points += stake * Decimal(LADDER[self.here][3])
        self.turnover += stake
        self.by_day[at.date()] += stake
        self.rise(at)

    def rise(self, at: datetime) -> bool:
        top = sum(self.turnover >= row[1] for row in LADDER) - 1
        new = self.here
        if top > self.best:
            self.best = new = top
        else:
            for place in range(self.here + 1, top + 1):
                if self.month(at.date()) >= Decimal(LADDER[place][2]):
                    new = place
        return self.go(new, at)

    def review(self, at: datetime) -> None:
        if self.rise(at) or self.here == 0:
            return
        rested = self.moved_at is None or at - self.moved_at >= 30 * DAY
        if rested and self.month(at.date()) < Decimal(LADDER[self.here][2]):
            self.go(self.here - 1, at)

    def go(self, place: int, at: datetime) -> bool:
        if place == self.here:
            return False
        self.moves.append(f"{LADDER[self.here][0]} {LADDER[place][0]}")
        self.here, self.moved_at = place, at
        return True


def play(bets: list[Bet]) -> None:
    """Everything day by day, until everybody's last level is lost; then compare."""
    people: dict[str, UUID] = {name: make_player().id for name in sorted({bet[0] for bet in bets})}
    plain: dict[str, Plain] = defaultdict(Plain)
    first, last = bets[0][2].date(), bets[-1][2].date()
    of_day: dict[date, list[Bet]] = defaultdict(list)
    for bet in bets:
        of_day[bet[2].date()].append(bet)
    for day in days(first, last + 130 * DAY):
        tell_in_parts([bet_placed(people[name], stake, category="crash", at=at) for name, stake, at in of_day[day]])
        catch_up("loyalty.accrual")
        for name, stake, at in of_day[day]:
            plain[name].bet(stake, at)
        night = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
        levels.review(at=night)
        catch_up("loyalty.accrual")
        for person in plain.values():
            person.review(night)
    for name, expected in plain.items():
        standing = selectors.get_standing(people[name], night)
        found = [f"{c.from_level} {c.to_level}" for c in reversed(selectors.list_level_changes(people[name]))]
        assert (name, found) == (name, expected.moves)
        points = int(expected.points.to_integral_value(ROUND_FLOOR))
        assert (standing.turnover_eur, standing.points) == (expected.turnover, points), name
    moves = [move for expected in plain.values() for move in expected.moves]
    assert {"bronze silver", "silver bronze", "gold silver"} <= set(moves), moves
    assert rebuild("loyalty.accrual", swap=False).equal


def days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += DAY


def test_forty_days_of_a_few_players() -> None:
    dice, at, bets = Random(3), datetime(2024, 5, 1, tzinfo=UTC), []
    for _ in range(400):
        at += timedelta(minutes=dice.randrange(300))
        name = dice.choice(["ann", "bob", "cid", "dan", "eve"])
        stakes = {"ann": ["5000", "2500.50"], "bob": ["700", "33.33"], "cid": ["150", "20"]}.get(name, ["1", "0.07"])
        bets.append((name, Decimal(dice.choice(stakes)), at))
    play(bets)


@pytest.mark.slow
def test_the_real_file() -> None:
    corpus = os.environ.get("PMS_CORPUS")
    if not corpus or not (Path(corpus) / "crash_bets.csv").exists():
        pytest.skip("PMS_CORPUS names no folder with crash_bets.csv: the real bets are not here")
    with (Path(corpus) / "crash_bets.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    bets = [(row["player"], Decimal(row["stake"]), datetime.fromisoformat(row["placed_at"])) for row in rows]
    play(sorted(bets, key=lambda bet: bet[2]))
