"""One table of bets: the posting function's SQL and the rules in Python say the same of each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from compliance.models_gate import PlayActivity, PlayGate
from compliance.models_limits import Limit
from compliance.services.gate import decide
from compliance.types_gate import LONG_AGO, BetFacts, GateAction
from compliance.types_limits import LimitKind, LimitPeriod, SetBy
from kernel.db import fetch_one
from kernel.money import Money
from players.types import PlayerDetails
from tests.factories import ACTOR, AT, make_player

pytestmark = pytest.mark.usefixtures("module_db")

MINUTE, SECOND, HOUR = timedelta(minutes=1), timedelta(seconds=1), timedelta(hours=1)
NOON = AT.replace(hour=12, minute=0, second=0)  # a Saturday in March, the day of the pack's zone and of UTC

SPRING = NOON.replace(day=29, hour=0)  # clocks go forward in Berlin at 01:00 UTC
AUTUMN = NOON.replace(month=10, day=25, hour=0)  # and back

# Each: what the row holds besides the default, limits (kind, period, amount or minutes), activity (hour, staked, won, ms
# played), the bet (stake, real part, category, game), the answer.
Row = dict[str, Any]
SESSION = {"session_started_at": NOON - 40 * MINUTE, "last_bet_at": NOON - 5 * MINUTE, "last_game": "fruits"}
CASES: dict[str, tuple[Row, list[tuple[str, str, int]], list[tuple[datetime, int, int, int]], Row, str]] = {
    "plain": ({}, [], [], {}, ""),
    "something stands": ({"refusal": "limits_required"}, [], [], {}, "limits_required"),
    "a break's last second": ({"break_until": NOON + SECOND}, [], [], {}, "break_due"),
    "a break that is over": ({"break_until": NOON}, [], [], {}, ""),
    "a reality check is due": (
        {**SESSION, "reality_check_minutes": 40, "reality_due_at": NOON}, [], [], {}, "reality_check_due",
    ),
    "a reality check in a second": (
        {**SESSION, "reality_check_minutes": 40, "reality_due_at": NOON + SECOND}, [], [], {}, "",
    ),
    "a reality check of a session that is over": (
        {**SESSION, "last_bet_at": NOON - 30 * MINUTE, "reality_due_at": NOON}, [], [], {}, "",
    ),
    "the session's time is used up": ({**SESSION, "session_limit_minutes": 40}, [], [], {}, "session_limit_reached"),
    "a minute of the session is left": ({**SESSION, "session_limit_minutes": 41}, [], [], {}, ""),
    "a new session": (
        {**SESSION, "last_bet_at": NOON - 30 * MINUTE, "session_limit_minutes": 40}, [], [], {}, "",
    ),
    "another game beside": (
        {**SESSION, "parallel_play": False, "switch_seconds": 301}, [], [], {"game": "plums"}, "parallel_play",
    ),
    "another game after the wait": (
        {**SESSION, "parallel_play": False, "switch_seconds": 300}, [], [], {"game": "plums"}, "",
    ),
    "the same game": ({**SESSION, "parallel_play": False, "switch_seconds": 301}, [], [], {}, ""),
    "a tournament beside": (
        {**SESSION, "parallel_play": False, "switch_seconds": 301}, [], [], {"game": "", "category": "tournament"}, "",
    ),
    "a stake at its cap": ({"stake_caps": {"slots": 100}}, [], [], {"stake": 100}, ""),
    "a stake above its cap": ({"stake_caps": {"slots": 100}}, [], [], {"stake": 101}, "stake_above_cap"),
    "another category's cap": ({"stake_caps": {"live": 100}}, [], [], {"stake": 101}, ""),
    "the cap of all others": ({"stake_caps": {"live": 500, "*": 100}}, [], [], {"stake": 101}, "stake_above_cap"),
    "a cap counts bonus money too": (
        {"stake_caps": {"slots": 100}}, [], [], {"stake": 101, "real": 0}, "stake_above_cap",
    ),
    "a buy-in has no cap of all others": (
        {"stake_caps": {"*": 100}}, [], [], {"stake": 5000, "game": "", "category": "tournament"}, "",
    ),
    "too fast by a tenth": (
        {"min_cycle_ms": {"slots": 2500}, "last_bet_at": NOON - 2.4 * SECOND}, [], [], {}, "too_fast",
    ),
    "just slow enough": ({"min_cycle_ms": {"slots": 2500}, "last_bet_at": NOON - 2.5 * SECOND}, [], [], {}, ""),
    "another server's clock is a second behind": (
        {"min_cycle_ms": {"*": 2500}, "last_bet_at": NOON + SECOND}, [], [], {}, "too_fast",
    ),
    "a game that is not offered": ({"games_offered": ["live"]}, [], [], {}, "game_type_not_offered"),
    "a game that is offered": ({"games_offered": ["slots"]}, [], [], {}, ""),
    "a single stake at its limit": ({}, [("stake", "", 200)], [], {"stake": 200}, ""),
    "a single stake above its limit": ({}, [("stake", "", 200)], [], {"stake": 201}, "limit_reached"),
    "loss up to the limit": ({}, [("loss", "day", 1000)], [(NOON - HOUR, 900, 0, 0)], {"stake": 100}, ""),
    "loss past the limit": ({}, [("loss", "day", 1000)], [(NOON - HOUR, 900, 0, 0)], {"stake": 101}, "limit_reached"),
    "wins make room": ({}, [("loss", "day", 1000)], [(NOON - HOUR, 5000, 4001, 0)], {"stake": 1}, ""),
    "and no more than that": ({}, [("loss", "day", 1000)], [(NOON - HOUR, 5000, 4001, 0)], {"stake": 2}, "limit_reached"),
    "bonus money loses nothing": (
        {}, [("loss", "day", 1000)], [(NOON - HOUR, 5000, 0, 0)], {"stake": 100, "real": 0}, "",
    ),
    "wins make no room for turnover": (
        {}, [("wagering", "day", 1000)], [(NOON - HOUR, 950, 950, 0)], {"stake": 51}, "limit_reached",
    ),
    "yesterday does not count today": ({}, [("loss", "day", 1000)], [(NOON - 13 * HOUR, 900, 0, 0)], {"stake": 101}, ""),
    "yesterday counts in 24 hours": (
        {}, [("loss", "24h", 1000)], [(NOON - 13 * HOUR, 900, 0, 0)], {"stake": 101}, "limit_reached",
    ),
    "the oldest hour counts whole": (
        {"at": NOON + 59 * MINUTE}, [("loss", "24h", 1000)], [(NOON - 24 * HOUR, 900, 0, 0)], {"stake": 101}, "limit_reached",
    ),
    "an hour before the window": (
        {"at": NOON + HOUR}, [("loss", "24h", 1000)], [(NOON - 24 * HOUR, 900, 0, 0)], {"stake": 101}, "",
    ),
    "of the oldest hour wins make no room": (
        {"at": NOON + MINUTE}, [("loss", "24h", 1000)], [(NOON - 24 * HOUR, 1000, 1000, 0)], {"stake": 1}, "limit_reached",
    ),
    "Monday of this week": (
        {}, [("loss", "week", 1000)], [(NOON - 5 * 24 * HOUR, 1000, 0, 0)], {"stake": 1}, "limit_reached",
    ),
    "Sunday of last week": ({}, [("loss", "week", 1000)], [(NOON - 6 * 24 * HOUR, 1000, 0, 0)], {"stake": 1}, ""),
    "Sunday in seven days": (
        {}, [("loss", "7d", 1000)], [(NOON - 6 * 24 * HOUR, 1000, 0, 0)], {"stake": 1}, "limit_reached",
    ),
    "the first of the month": (
        {}, [("loss", "month", 1000)], [(NOON.replace(day=1, hour=0), 1000, 0, 0)], {"stake": 1}, "limit_reached",
    ),
    "the last of the month before": (
        {}, [("loss", "month", 1000)], [(NOON.replace(day=1, hour=0) - HOUR, 1000, 0, 0)], {"stake": 1}, "",
    ),
    "thirty days": (
        {}, [("loss", "30d", 1000)], [(NOON - 30 * 24 * HOUR, 1000, 0, 0)], {"stake": 1}, "limit_reached",
    ),
    "midnight in Helsinki was two hours ago": (
        {"time_zone": "Europe/Helsinki"}, [("loss", "day", 1000)], [(NOON - 15 * HOUR, 1000, 0, 0)], {"stake": 1}, "",
    ),
    "the day in Helsinki began at ten in the evening": (
        {"time_zone": "Europe/Helsinki"}, [("loss", "day", 1000)], [(NOON - 14 * HOUR, 1000, 0, 0)], {"stake": 1},
        "limit_reached",
    ),
    "a day of 23 hours began in winter time": (
        {"time_zone": "Europe/Berlin", "at": SPRING + 12 * HOUR}, [("loss", "day", 1000)], [(SPRING - HOUR, 1000, 0, 0)],
        {"stake": 1}, "limit_reached",
    ),
    "the hour before it": (
        {"time_zone": "Europe/Berlin", "at": SPRING + 12 * HOUR}, [("loss", "day", 1000)], [(SPRING - 2 * HOUR, 1000, 0, 0)],
        {"stake": 1}, "",
    ),
    "a day of 25 hours ends in winter time": (
        {"time_zone": "Europe/Berlin", "at": AUTUMN + 22.5 * HOUR}, [("loss", "day", 1000)], [(AUTUMN - 2 * HOUR, 1000, 0, 0)],
        {"stake": 1}, "limit_reached",
    ),
    "the lowest wins": (
        {}, [("loss", "month", 90000), ("loss", "day", 1000)], [(NOON - HOUR, 1000, 0, 0)], {"stake": 1}, "limit_reached",
    ),
    "time is left": ({}, [("session_time", "day", 60)], [(NOON - HOUR, 0, 0, 3_599_999)], {}, ""),
    "the day's time is used up": (
        {}, [("session_time", "day", 60)], [(NOON - HOUR, 0, 0, 3_600_000)], {}, "limit_reached",
    ),
    "what was counted ahead of a clock set back": (
        {}, [("loss", "day", 1000)], [(NOON + 3 * HOUR, 1000, 0, 0)], {"stake": 1}, "limit_reached",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def players(module_db: None) -> list[PlayerDetails]:
    return [make_player() for _ in CASES]


@pytest.mark.rule(18)
@pytest.mark.rule(31)
@pytest.mark.parametrize("name", CASES)
def test_sql_and_python_say_the_same(name: str, players: list[PlayerDetails]) -> None:
    given, limits, activity, wanted, answer = CASES[name]
    player = players[list(CASES).index(name)]
    at = given.get("at", NOON)
    row = {"time_zone": "UTC", **{key: value for key, value in given.items() if key != "at"}}
    PlayGate.objects.create(
        player_id=player.id, packs="", compiled_at=at, valid_from=LONG_AGO, plain=False, has_limits=bool(limits), **row
    )
    for kind, period, amount in limits:
        timed = kind == LimitKind.SESSION_TIME
        Limit.objects.create(
            player_id=player.id,
            kind=LimitKind(kind),
            period=LimitPeriod(period),
            amount_minor=None if timed else amount,
            minutes=amount if timed else None,
            set_by=SetBy.PLAYER,
            active_from=LONG_AGO,
        )
    for hour, staked, won, played in activity:
        _count(player, hour, staked, won, played)
    stake = wanted.get("stake", 100)
    bet = {"game": "fruits", "category": "slots", "real": stake, **wanted, "stake": stake}
    facts = BetFacts(bet["game"], bet["category"], Money(stake, "EUR"), Money(bet["real"], "EUR"))
    decision = decide(action=GateAction.BET, player_id=player.id, facts=facts, actor=ACTOR, at=at)
    assert [reason.code for reason in decision.reasons][:1] == ([answer] if answer else [])
    said = fetch_one(
        "SELECT reason FROM compliance_playgate g, compliance_bet_refusal(g, %s, %s, %s, %s, %s) WHERE g.player_id = %s",
        [bet["game"], bet["category"], stake, bet["real"], at, player.id],
    )
    assert said == (answer,)


def _count(player: PlayerDetails, hour: datetime, staked: int, won: int, played: int) -> None:
    """Into the hour that the row keeps: only functions of the posting write the activity."""
    PlayGate.objects.filter(player_id=player.id).update(
        hour_at=hour, hour_staked_minor=staked, hour_won_minor=won, hour_played_ms=played
    )
    assert not PlayActivity.objects.filter(player_id=player.id).exists()
