"""Wagering against a model in plain Python, under any order of bets, wins, rollbacks and readings of the log."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bonuses.selectors import list_grants
from bonuses.services.grants import grant
from bonuses.types import GrantDetails
from events.services.rebuilding import rebuild
from kernel.money import Money
from tests.bonuses.offers import GIFT, live_offer, merged, work
from tests.consumers import catch_up
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet.selectors import list_purses
from wallet.services.bets import credit_win, roll_back_bet
from wallet.types import AccountKind, GameCategory

pytestmark = pytest.mark.usefixtures("db")
PERCENT = {"fruits": 100, "roulette": 10, "poker": 0}
RULE = merged(
    GIFT,
    {
        "wagering": {
            "multiple": "5",
            "days": 365,
            "contribution": {"table": "10", "live": "0"},
            "max_stake": {"EUR": "20.00"},
        }
    },
)
REQUIRED = Decimal("50.00")
_numbers = count(1)


class Wagering(RuleBasedStateMachine):
    """The model: a list of bets in the order of the log, and what each counted."""

    offer = ""

    def __init__(self) -> None:
        super().__init__()
        self.player = make_player().id
        fund(self.player, "1000.00", at=AT)
        self.at = AT
        self.bets: dict[str, tuple[str, Decimal]] = {}
        self.counted: dict[str, Decimal] = {}
        self.wagered = Decimal(0)
        self.done = False
        grant(offer=self.offer, player_id=self.player, occasion="machine", actor=ACTOR, at=AT)

    @rule(game=st.sampled_from(sorted(PERCENT)), cents=st.integers(1, 2_500))
    def bet(self, game: str, cents: int) -> None:
        self.at += timedelta(seconds=1)
        key, stake = f"m{next(_numbers)}", Decimal(cents) / 100
        if not bet(self.player, f"{stake:.2f}", key=key, game=game, at=self.at).ok:
            return
        self.bets[key] = (game, stake)
        amount = Decimal(0) if stake > 20 or self.done else stake * PERCENT[game] / 100
        amount = min(amount, REQUIRED - self.wagered)
        self.counted[key] = amount
        self.wagered += amount
        self.done = self.done or self.wagered >= REQUIRED

    @precondition(lambda self: self.bets)
    @rule(data=st.data(), cents=st.integers(0, 5_000))
    def win(self, data: st.DataObject, cents: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.bets)))
        self.at += timedelta(seconds=1)
        credit_win(
            player_id=self.player, source="test", idempotency_key=f"w{next(_numbers)}", bet_key=key,
            amount=Money(cents, "EUR"), actor=ACTOR, at=self.at,
        )  # fmt: skip

    @precondition(lambda self: self.bets)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.bets)))
        self.at += timedelta(seconds=1)
        posting = roll_back_bet(
            player_id=self.player, source="test", idempotency_key=f"r{key}", bet_key=key, actor=ACTOR, at=self.at
        )
        if posting.ok and key in self.counted:
            del self.bets[key]
            if not self.done:
                self.wagered -= self.counted.pop(key)

    @rule(size=st.integers(1, 7))
    def read(self, size: int) -> None:
        catch_up("bonuses.wagering", batch_size=size)
        self.compare()

    def compare(self) -> None:
        found = self.grant()
        assert found.wagering
        assert found.state == ("redeemed" if self.done else "active")
        assert found.wagering.wagered.major == int(self.wagered * 100) / Decimal(100)

    def grant(self) -> GrantDetails:
        (found,) = list_grants(self.player)
        return found

    @invariant()
    def no_purse_outlives_its_bonus(self) -> None:
        if self.grant().state == "redeemed":
            purses = list_purses(self.player)
            assert not [purse for purse in purses if purse.kind is AccountKind.BONUS and not purse.closed_at]

    def teardown(self) -> None:
        work("bonuses.wagering")
        self.compare()


def test_it_counts_what_the_model_counts() -> None:
    make_game()
    make_game("roulette", GameCategory.TABLE)
    make_game("poker", GameCategory.LIVE)
    Wagering.offer = live_offer(RULE).code
    quiet = settings(
        max_examples=12, stateful_step_count=25, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Wagering, settings=quiet)
    assert rebuild("bonuses.wagering", swap=False).equal
