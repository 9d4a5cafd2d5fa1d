"""Money under concurrency: real threads, real connections, real commits."""

from __future__ import annotations

from collections import Counter

import pytest

from kernel.db import fetch_one
from kernel.money import Money
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet.selectors import get_balances, list_deposits
from wallet.services.bets import credit_win, roll_back_bet
from wallet.services.deposits import request_deposit
from wallet.types import Outcome

pytestmark = pytest.mark.usefixtures("db")

THREADS = 20


@pytest.fixture(autouse=True)
def game(db: None) -> None:
    make_game()


def transfers(kind: str) -> int:
    count: int = fetch_one("SELECT count(*) FROM wallet_transfer WHERE kind = %s", [kind])[0]
    return count


def test_200_identical_bets_have_one_effect() -> None:
    player = make_player()
    fund(player.id, "100.00")
    outcomes = in_parallel([lambda: bet(player.id, "1.00", key="same").outcome] * 200, THREADS)
    assert Counter(outcomes) == {Outcome.APPLIED: 1, Outcome.REPLAYED: 199}
    assert str(get_balances(player.id).real) == "99.00"
    assert transfers("bet") == 1


def test_200_bets_on_one_player_never_go_below_zero() -> None:
    player = make_player()
    fund(player.id, "75.00")
    outcomes = in_parallel([lambda: bet(player.id, "1.00").outcome] * 200, THREADS)
    assert Counter(outcomes) == {Outcome.APPLIED: 75, Outcome.REFUSED: 125}
    assert get_balances(player.id).real == Money(0, "EUR")


def test_one_key_fought_over_by_many_players_is_placed_once() -> None:
    players = [make_player() for _ in range(20)]
    for player in players:
        fund(player.id, "10.00")
    works = [lambda player=player: bet(player.id, "1.00", key="same").outcome for player in players] * 5
    outcomes = in_parallel(works, THREADS)
    assert outcomes.count(Outcome.APPLIED) == 1
    assert set(outcomes) <= {Outcome.APPLIED, Outcome.REPLAYED, Outcome.CONFLICT}
    assert transfers("bet") == 1


def test_a_rollback_racing_its_bet_leaves_nothing_taken() -> None:
    player = make_player()
    fund(player.id, "100.00")
    works = []
    for number in range(40):
        key = f"b{number}"
        works.append(lambda key=key: bet(player.id, "1.00", key=key))
        works.append(
            lambda key=key: roll_back_bet(
                player_id=player.id,
                source="test",
                idempotency_key=f"r-{key}",
                bet_key=key,
                currency="EUR",
                actor=ACTOR,
                at=AT,
            )
        )
    in_parallel(works, THREADS)
    assert str(get_balances(player.id).real) == "100.00"
    assert transfers("bet") == transfers("rollback")


def test_a_rollback_racing_a_win_never_pays_a_bet_that_is_undone() -> None:
    player = make_player()
    fund(player.id, "100.00")
    for number in range(20):
        bet(player.id, "1.00", key=f"b{number}")
    works = []
    for number in range(20):
        key = f"b{number}"
        works.append(
            lambda key=key: credit_win(
                player_id=player.id,
                source="test",
                idempotency_key=f"w-{key}",
                bet_key=key,
                amount=Money(500, "EUR"),
                actor=ACTOR,
                at=AT,
            )
        )
        works.append(
            lambda key=key: roll_back_bet(
                player_id=player.id,
                source="test",
                idempotency_key=f"r-{key}",
                bet_key=key,
                currency="EUR",
                actor=ACTOR,
                at=AT,
            )
        )
    in_parallel(works, THREADS)
    assert str(get_balances(player.id).real) == "100.00"
    assert transfers("rollback") == 20


def test_a_double_refund_is_one() -> None:
    player = make_player()
    fund(player.id, "10.00")
    bet(player.id, "10.00", key="b")
    works = [
        lambda key=f"r{number}": (
            roll_back_bet(
                player_id=player.id,
                source="test",
                idempotency_key=key,
                bet_key="b",
                currency="EUR",
                actor=ACTOR,
                at=AT,
            ).outcome
        )
        for number in range(50)
    ]
    assert Counter(in_parallel(works, THREADS)) == {Outcome.APPLIED: 1, Outcome.REPLAYED: 49}
    assert str(get_balances(player.id).real) == "10.00"


def test_a_deposit_asked_for_50_times_at_once_is_credited_once() -> None:
    player = make_player()

    def deposit() -> str:
        return request_deposit(
            player_id=player.id,
            amount=Money(1000, "EUR"),
            provider="sandbox",
            instrument="tok_ok",
            source="test",
            idempotency_key="d",
            actor=ACTOR,
            at=AT,
        ).state

    assert set(in_parallel([deposit] * 50, THREADS)) == {"made"}
    assert str(get_balances(player.id).real) == "10.00"
    assert len(list_deposits(player.id)) == 1


def test_the_first_purse_of_a_player_is_opened_once() -> None:
    player = make_player()
    in_parallel([lambda: fund(player.id, "1.00")] * 20, THREADS)
    assert fetch_one("SELECT count(*) FROM wallet_account WHERE player_id = %s", [player.id])[0] == 1
    assert str(get_balances(player.id).real) == "20.00"
    assert sorted(deposit.number or 0 for deposit in list_deposits(player.id)) == list(range(1, 21))
