"""What the gate counted equals what the ledger tells, whatever was bet, won, reserved, undone, in whichever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.models_limits import Limit
from compliance.selectors_gate import sum_played
from compliance.services.play_gate import forget, refresh
from compliance.types_gate import LONG_AGO
from compliance.types_limits import LimitKind, LimitPeriod, SetBy
from kernel.db import fetch_all
from kernel.money import Money
from tests.factories import ACTOR, AT, fund, make_game, make_player
from wallet.services.batches import place_batch
from wallet.services.bets import credit_win, place_bet, play, roll_back_bet
from wallet.services.holds import capture, release, reserve
from wallet.services.purses import open_bonus_purse
from wallet.types import BatchBet, PurseTerms

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.rule(18)]

_players = count(1)
euros = st.integers(1, 2_000).map(lambda minor: Money(minor, "EUR"))
# Clocks go forward most of the time, stand still, and are set back.
ticks = st.sampled_from([0, 1, 20, 31, 59, 60, 61, 600, 1_440, -1, -61, -1_440]).map(lambda n: timedelta(minutes=n))
deeds = st.sampled_from(["bet", "play", "win", "undo", "reserve", "capture", "release", "batch", "deposit", "forget"])
stories = st.lists(st.tuples(deeds, euros, euros, ticks, st.integers(0, 30)), min_size=3, max_size=25)

# By hour, from the ledger alone: real stakes of bets that stand, where a captured one was reserved; what is reserved and
# not given back; wins of bets that stand. Nothing of the gate's is asked.
_LEDGER = """
WITH line AS (
    SELECT t.kind, t.id, t.bet_id, t.occurred_at, sum(e.amount_minor)::bigint AS amount
    FROM wallet_transfer t JOIN wallet_entry e ON e.transfer_id = t.id
    JOIN wallet_account a ON a.id = e.account_id AND a.kind = 'real' AND a.player_id = t.player_id
    WHERE t.player_id = %(player)s GROUP BY t.kind, t.id, t.bet_id, t.occurred_at
), undone AS (
    SELECT bet_id AS id FROM wallet_transfer WHERE player_id = %(player)s AND kind = 'rollback'
), reserved AS (
    SELECT id, occurred_at FROM wallet_transfer WHERE player_id = %(player)s AND kind = 'reserve'
)
SELECT date_trunc('hour', at) AS hour_at, sum(staked)::bigint AS staked, sum(won)::bigint AS won FROM (
    SELECT coalesce(r.occurred_at, l.occurred_at) AS at, -l.amount AS staked, 0 AS won FROM line l
    LEFT JOIN reserved r ON r.id = l.bet_id
    WHERE l.kind IN ('reserve', 'release') OR (l.kind = 'bet' AND l.id NOT IN (SELECT id FROM undone))
    UNION ALL
    SELECT occurred_at, 0, amount FROM line WHERE kind = 'win' AND bet_id NOT IN (SELECT id FROM undone)
) counted GROUP BY 1 HAVING sum(staked) <> 0 OR sum(won) <> 0 ORDER BY 1
"""
_GATE = """
SELECT hour_at, sum(staked)::bigint AS staked, sum(won)::bigint AS won FROM (
    SELECT hour_at, staked_minor AS staked, won_minor AS won FROM compliance_playactivity WHERE player_id = %(player)s
    UNION ALL
    SELECT hour_at, hour_staked_minor, hour_won_minor FROM compliance_playgate WHERE player_id = %(player)s
) counted GROUP BY 1 HAVING sum(staked) <> 0 OR sum(won) <> 0 ORDER BY 1
"""


@pytest.mark.parametrize("limited", [False, True])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories, bonus=st.booleans())
def test_counters_equal_what_the_ledger_tells(story: list, bonus: bool, limited: bool) -> None:
    make_game()
    name, at = f"p{next(_players)}", AT
    player = make_player().id
    fund(player, "200.00")
    ids = {"player_id": player, "source": name, "actor": ACTOR}
    if bonus:
        open_bonus_purse(**ids, idempotency_key="b", amount=Money(5_000, "EUR"), terms=PurseTerms(), at=at)
    if limited:
        Limit.objects.create(
            player_id=player, kind=LimitKind.LOSS, period=LimitPeriod.DAY, amount_minor=15_000,
            set_by=SetBy.PLAYER, active_from=LONG_AGO,
        )  # fmt: skip
        refresh(player_id=player, at=at)
    bets: list[str] = []
    holds: list[str] = []
    for number, (deed, stake, win, tick, which) in enumerate(story):
        at += tick
        key, common = f"{name}.{number}", {**ids, "at": at}
        game = {"game": "fruits", "round_id": key}
        match deed:
            case "bet":
                place_bet(**common, idempotency_key=key, **game, stake=stake)
                bets.append(key)
            case "play":
                play(**common, idempotency_key=key, **game, stake=stake, win=win)
                bets.append(key)
            case "batch":
                items = [BatchBet(player, f"{key}.{n}", "fruits", key, stake, win) for n in range(2)]
                place_batch(items=items, source=name, actor=ACTOR, at=at)
                bets += [item.idempotency_key for item in items]
            case "win" if bets:
                credit_win(**common, idempotency_key=key, bet_key=bets[which % len(bets)], amount=win)
            case "undo" if bets:
                roll_back_bet(**common, idempotency_key=key, bet_key=bets[which % len(bets)])
            case "reserve":
                reserve(**common, idempotency_key=key, **game, amount=stake)
                holds.append(key)
            case "capture" if holds:
                capture(**common, idempotency_key=key, hold_key=holds[which % len(holds)], amount=win)
                bets.append(key)
            case "release" if holds:
                release(**common, idempotency_key=key, hold_key=holds[which % len(holds)], currency="EUR")
            case "deposit":
                fund(player, str(stake), at=at)
            case "forget":
                forget()
    told = fetch_all(_LEDGER, {"player": player})
    assert fetch_all(_GATE, {"player": player}) == told
    since = datetime(2026, 3, 14, 15, tzinfo=UTC)  # an hour's beginning
    staked = sum(row["staked"] for row in told if row["hour_at"] >= since)
    lost = staked - sum(row["won"] for row in told if row["hour_at"] >= since)
    assert sum_played(player, since)[:2] == (staked, lost)
    if limited:
        for day in {row["hour_at"].date() for row in told}:
            rows = [row for row in told if row["hour_at"].date() == day]
            # A win that is taken back with its bet, or that lies ahead of a clock that was set back, may have made room.
            if not any(deed == "undo" or tick < timedelta(0) for deed, _, _, tick, _ in story):
                assert sum(row["staked"] - row["won"] for row in rows) <= 15_000
