"""Limits and exclusions while bets come in from everywhere."""

from __future__ import annotations

from datetime import timedelta
from threading import Event
from uuid import UUID

import pytest

from compliance.models_gate import PlayGate
from compliance.models_limits import Limit
from compliance.selectors_gate import list_decisions, sum_played
from compliance.services.play_gate import forget, refresh
from compliance.types_gate import LONG_AGO
from compliance.types_limits import LimitKind, LimitPeriod, SetBy
from events.services.log import holding
from players.services.restrictions import impose
from players.types import RestrictionKind
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet.types import Outcome, Posting

pytestmark = pytest.mark.usefixtures("db")
THREADS = 8


def player_with(amount: str) -> UUID:
    make_game()
    player = make_player()
    fund(player.id, amount)
    return player.id


def set_limit(player: UUID, amount_minor: int) -> None:
    """As a service does: the row and what is compiled of it in one transaction, holding the player."""
    with holding(player):
        Limit.objects.create(
            player_id=player,
            kind=LimitKind.LOSS,
            period=LimitPeriod.DAY,
            amount_minor=amount_minor,
            set_by=SetBy.PLAYER,
            active_from=LONG_AGO,
        )
        refresh(player_id=player, at=AT)


@pytest.mark.rule(18)
def test_parallel_bets_at_a_limit_never_pass_it() -> None:
    player = player_with("100.00")
    set_limit(player, 1_000)
    outcomes = in_parallel([lambda: bet(player, "1.00").outcome] * 40, THREADS)
    assert outcomes.count(Outcome.APPLIED) == 10
    assert sum_played(player, AT - timedelta(days=1))[0] == 1_000
    assert len(list_decisions(player_id=player, limit=100)) == 30


def test_first_bets_at_once_make_one_row_and_are_all_placed() -> None:
    player = player_with("100.00")
    outcomes = in_parallel([lambda: bet(player, "1.00").outcome] * 24, THREADS)
    assert set(outcomes) == {Outcome.APPLIED}
    assert PlayGate.objects.get(player_id=player).hour_bets == 24


def test_rows_that_are_thrown_away_during_play_lose_no_count() -> None:
    player = player_with("100.00")
    works = [lambda: bet(player, "1.00").outcome for _ in range(30)]
    works[10:10] = [lambda: Outcome.APPLIED if forget() >= 0 else Outcome.REFUSED] * 5
    assert set(in_parallel(works, THREADS)) == {Outcome.APPLIED}
    assert sum_played(player, AT - timedelta(days=1))[0] == 3_000


@pytest.mark.rule(16)
@pytest.mark.rule(34)
@pytest.mark.parametrize("what", ["exclusion", "limit"])
def test_what_is_set_during_play_stops_the_next_bet_everywhere(what: str) -> None:
    player = player_with("1000.00")
    stands = Event()

    def stop() -> list[Posting]:
        if what == "limit":
            set_limit(player, 0)
        else:
            impose(
                player_id=player,
                kind=RestrictionKind.SELF_EXCLUDED,
                reason="asked",
                source="player",
                actor=ACTOR,
                at=AT,
            )
        stands.set()
        return []

    def play_on() -> list[Posting]:
        late = []
        for _ in range(15):
            began_after = stands.is_set()
            posting = bet(player, "1.00")
            if began_after:
                late.append(posting)
        late.append(bet(player, "1.00") if stands.wait(30) else bet(player, "0.01"))
        return late

    answers = in_parallel([play_on, play_on, play_on, stop, play_on], 5)
    late = [posting for postings in answers for posting in postings]
    assert len(late) >= 4
    assert {posting.outcome for posting in late} == {Outcome.REFUSED}
    assert {posting.reason for posting in late} == {"limit_reached" if what == "limit" else "self_excluded"}
