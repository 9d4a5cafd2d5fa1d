"""Random sequences of bets, wins, rollbacks and grants, against a ledger kept in a few lines of plain Python."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.money import Money
from tests.factories import ACTOR, AT, make_game, make_player
from wallet.selectors import get_balances
from wallet.services.bets import credit_win, place_bet, roll_back_bet
from wallet.services.purses import open_bonus_purse
from wallet.types import Outcome, PurseTerms

pytestmark = pytest.mark.usefixtures("db")

KEYS = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("bonus"), st.integers(1, 300)),
        st.tuples(st.just("bet"), KEYS, st.integers(1, 400)),
        st.tuples(st.just("win"), KEYS, st.integers(0, 900)),
        st.tuples(st.just("rollback"), KEYS),
    ),
    max_size=14,
)


class Model:
    """Purses as a list of amounts, real money first. Bets remember what they took and what they won."""

    def __init__(self) -> None:
        self.purses = [0]
        self.bets: dict[str, dict[int, int] | None] = {}
        self.first: dict[str, tuple[int, str]] = {}
        self.won: dict[str, list[dict[int, int]]] = {}
        self.undone: set[str] = set()

    def bet(self, key: str, stake: int) -> str:
        if key in self.first:
            before, outcome = self.first[key]
            if outcome == "tombstoned":
                return outcome
            if before != stake:
                return "conflict"
            return "replayed" if outcome == "applied" else outcome
        took: dict[int, int] = {}
        for index, held in enumerate(self.purses):
            part = min(held, stake - sum(took.values()))
            if part:
                took[index] = part
        if sum(took.values()) < stake:
            self.first[key] = (stake, "refused")
            return "refused"
        for index, part in took.items():
            self.purses[index] -= part
        self.first[key], self.bets[key], self.won[key] = (stake, "applied"), took, []
        return "applied"

    def win(self, key: str, amount: int) -> str:
        took = self.bets.get(key)
        if not took or key in self.undone:
            return "unknown_reference"
        shares = {index: amount * Fraction(part, sum(took.values())) // 1 for index, part in took.items() if index}
        first = 0 if 0 in took else min(took)
        shares[first] = int(shares.get(first, 0) + amount - sum(shares.values()))
        for index, share in shares.items():
            self.purses[index] += int(share)
        self.won[key].append({index: int(share) for index, share in shares.items()})
        return "applied"

    def rollback(self, key: str) -> str:
        if key not in self.bets:
            self.first.setdefault(key, (0, "tombstoned"))
            return "tombstoned"
        if key in self.undone:
            return "replayed"
        after = list(self.purses)
        for index, part in (self.bets[key] or {}).items():
            after[index] += part
        for shares in self.won[key]:
            for index, share in shares.items():
                after[index] -= share
        if min(after) < 0:
            return "refused"
        self.purses = after
        self.undone.add(key)
        return "applied"


@pytest.fixture(autouse=True)
def game(db: None) -> None:
    make_game()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 500), steps=STEPS)
def test_the_ledger_does_what_the_model_does(start: int, steps: list[tuple[object, ...]]) -> None:
    player, model = make_player(), Model()
    source = str(player.id)
    if start:
        from tests.factories import fund

        fund(player.id, f"{start / 100:.2f}")
        model.purses[0] = start
    for number, step in enumerate(steps):
        common = {"player_id": player.id, "source": source, "actor": ACTOR, "at": AT}
        match step:
            case ("bonus", int(amount)):
                open_bonus_purse(
                    amount=Money(amount, "EUR"), terms=PurseTerms(), idempotency_key=f"g{number}", **common
                )
                model.purses.append(amount)
                expected = got = "applied"
            case ("bet", str(key), int(stake)):
                expected = model.bet(key, stake)
                got = place_bet(
                    idempotency_key=key, game="fruits", round_id=key, stake=Money(stake, "EUR"), **common
                ).outcome
            case ("win", str(key), int(amount)):
                expected = model.win(key, amount)
                got = credit_win(
                    idempotency_key=f"w{number}", bet_key=key, amount=Money(amount, "EUR"), **common
                ).outcome
            case ("rollback", str(key)):
                expected = model.rollback(key)
                got = roll_back_bet(idempotency_key=f"r{number}", bet_key=key, currency="EUR", **common).outcome
        assert got == Outcome(expected)
        held = get_balances(player.id)
        assert (held.real.amount_minor, held.bonus.amount_minor) == (model.purses[0], sum(model.purses[1:]))
