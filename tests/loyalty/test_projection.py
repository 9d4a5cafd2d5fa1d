"""The accrual as a projection: equal to a plain model in every split into batches, exactly once, rebuilt from the log."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.catalogue.wallet import BetPlaced, BetRolledBack
from events.ports import get_consumer
from events.selectors import get_cursor
from events.services.consuming import Runner
from events.services.rebuilding import rebuild
from kernel import clock
from kernel.db import fetch_all
from loyalty import selectors
from loyalty.services import accrual
from tests.consumers import catch_up
from tests.database import PROJECT, owner_url
from tests.factories import AT, make_player
from tests.loyalty.log import bet_placed, rolled_back, tell

pytestmark = pytest.mark.usefixtures("db")

LEVELS = [("bronze", 0, "1"), ("silver", 10_000, "1.1"), ("gold", 50_000, "1.25"), ("platinum", 200_000, "1.5")]
COEFFICIENTS = {"slots": "1", "crash": "1", "table": "0.5", "live": "1.5", "other": "1"}


@dataclass
class Model:
    """The programme in plain Python, one bet after another."""

    turnover: Decimal = Decimal(0)
    earned: Decimal = Decimal(0)
    changes: list[tuple[str, str]] = field(default_factory=list)
    bets: dict[UUID, tuple[Decimal, Decimal]] = field(default_factory=dict)

    @property
    def level(self) -> tuple[str, Decimal]:
        code, _, multiplier = [level for level in LEVELS if self.turnover >= level[1]][-1]
        return code, Decimal(multiplier)

    @property
    def points(self) -> int:
        return int(self.earned.to_integral_value(ROUND_FLOOR))

    def take(self, event: BetPlaced | BetRolledBack) -> None:
        before, multiplier = self.level
        if isinstance(event, BetPlaced):
            assert event.real_eur is not None
            coefficient = Decimal(2) if event.exclusive else Decimal(COEFFICIENTS[event.category])
            self.bets[event.bet_id] = (event.real_eur, event.real_eur * coefficient * multiplier)
            self._move(*self.bets[event.bet_id])
        else:
            turnover, earned = self.bets[event.bet_id]
            self._move(-turnover, -earned)
        if self.level[0] != before:
            self.changes.append((before, self.level[0]))

    def _move(self, turnover: Decimal, earned: Decimal) -> None:
        self.turnover += turnover
        self.earned += earned


@dataclass(frozen=True)
class Step:
    """A bet of one of the players; or, when ``undo`` falls on one of the player's standing bets, its rollback."""

    player: int
    cents: int
    category: str
    exclusive: bool
    undo: int | None


steps = st.builds(
    Step,
    player=st.integers(0, 2),
    cents=st.one_of(st.integers(1, 500), st.integers(1, 60_000_00), st.just(0)),
    category=st.sampled_from(sorted(COEFFICIENTS)),
    exclusive=st.booleans(),
    undo=st.one_of(st.none(), st.none(), st.integers(0, 5)),
)


def play(players: list[UUID], script: list[Step]) -> list[BetPlaced | BetRolledBack]:
    events: list[BetPlaced | BetRolledBack] = []
    standing: dict[int, list[BetPlaced]] = defaultdict(list)
    for step in script:
        if step.undo is not None and step.undo < len(standing[step.player]):
            events.append(rolled_back(standing[step.player].pop(step.undo)))
            continue
        stake = Decimal(step.cents).scaleb(-2)
        placed = bet_placed(players[step.player], stake, category=step.category, exclusive=step.exclusive, bonus="1.00")
        standing[step.player].append(placed)
        events.append(placed)
    return events


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(steps, min_size=1, max_size=40), cuts=st.randoms(use_true_random=False))
def test_accrual_equals_the_plain_model_in_every_split(script: list[Step], cuts: random.Random) -> None:
    players = [make_player().id for _ in range(3)]
    events = play(players, script)
    models = {player: Model() for player in players}
    for event in events:
        models[event.player_id].take(event)  # type: ignore[index]
    while events:
        size = cuts.randint(1, len(events))
        tell(*events[:size])
        events = events[size:]
        if cuts.random() < 0.5:
            catch_up("loyalty.accrual", batch_size=cuts.randint(1, 12))
    catch_up("loyalty.accrual")
    for player, model in models.items():
        standing = selectors.get_standing(player, AT)
        assert standing.turnover_eur == model.turnover
        assert standing.points == model.points
        assert standing.level.code == model.level[0]
        entries = selectors.list_points_entries(player, limit=100)
        assert sum(row.earned for row in selectors.list_accruals(player, limit=100)) == model.earned
        assert sum(entry.points for entry in entries) == model.points
        changes = [(c.from_level, c.to_level) for c in reversed(selectors.list_level_changes(player))]
        assert changes == model.changes


def a_lively_day() -> list[UUID]:
    players = [make_player().id for _ in range(3)]
    dice = random.Random(7)
    script = [
        Step(
            dice.randrange(3),
            dice.choice([17, 3333, 900_000]),
            dice.choice(sorted(COEFFICIENTS)),
            dice.random() < 0.2,
            dice.choice([None, None, None, 0]),
        )
        for _ in range(300)
    ]
    tell(*play(players, script))
    return players


def test_a_rebuild_equals_the_live_tables() -> None:
    a_lively_day()
    catch_up("loyalty.accrual", batch_size=13)
    before = len(everything_in_the_log())
    result = rebuild("loyalty.accrual", swap=False)
    assert result.events == 300
    assert result.equal, result
    assert len(everything_in_the_log()) == before, "a rebuild publishes nothing"


def test_a_corrupted_projection_is_found_and_swapped() -> None:
    victim, other, _ = a_lively_day()
    catch_up("loyalty.accrual")
    right = [selectors.get_standing(player, AT) for player in (victim, other)]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE loyalty_standing SET earned = earned + 1 WHERE player_id = %s", [victim])
        cursor.execute("DELETE FROM loyalty_standing WHERE player_id = %s", [other])
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute("ALTER TABLE loyalty_accrual DISABLE TRIGGER USER")
        owner.execute("DELETE FROM loyalty_accrual WHERE player_id = %s", [victim])
        owner.execute("ALTER TABLE loyalty_accrual ENABLE TRIGGER USER")

    found = rebuild("loyalty.accrual", swap=False)
    assert (found.only_live["loyalty_standing"], found.only_rebuilt["loyalty_standing"]) == (1, 2)
    assert found.only_rebuilt["loyalty_accrual"] > 50
    assert not found.swapped

    command = [sys.executable, "manage.py", "events", "rebuild", "loyalty.accrual"]
    as_owner = os.environ | {"DATABASE_URL": owner_url()}
    told = subprocess.run(command, cwd=PROJECT, env=as_owner, capture_output=True, text=True)
    assert told.returncode != 0
    swapped = subprocess.run([*command, "--swap"], cwd=PROJECT, env=as_owner, capture_output=True, text=True)
    assert "swapped" in swapped.stdout, swapped.stdout + swapped.stderr

    assert rebuild("loyalty.accrual", swap=False).equal
    assert [selectors.get_standing(player, AT) for player in (victim, other)] == right
    with (
        pytest.raises(DatabaseError, match=r"append-only|permission"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM loyalty_accrual")


def test_a_batch_that_fails_half_way_leaves_nothing_and_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    someone = make_player().id
    tell(*(bet_placed(someone, "10.00") for _ in range(5)))
    whole = accrual.publish_many

    def fail(*args: object) -> None:
        raise SystemExit

    monkeypatch.setattr(accrual, "publish_many", fail)
    with pytest.raises(SystemExit):
        Runner(get_consumer("loyalty.accrual")).run_once(clock.now())
    assert selectors.list_points_entries(someone) == []
    assert get_cursor("loyalty.accrual").handled == 0
    monkeypatch.setattr(accrual, "publish_many", whole)
    catch_up("loyalty.accrual")
    catch_up("loyalty.accrual")
    assert selectors.get_standing(someone, AT).points == 50


def everything_in_the_log() -> list[dict[str, object]]:
    return fetch_all("SELECT id FROM events_event")
