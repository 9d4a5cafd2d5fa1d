"""Random sequences of everything a player's money does, against a ledger kept in a few lines of plain Python."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from itertools import accumulate
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kernel.money import Money
from tests.factories import ACTOR, AT, fund, make_game, make_player
from wallet.selectors import get_balances, list_purses
from wallet.services import holds
from wallet.services.bets import credit_win, place_bet, roll_back_bet
from wallet.services.purses import close_bonus_purse, open_bonus_purse
from wallet.types import AccountKind, Outcome, Posting, PurseTerms

pytestmark = pytest.mark.usefixtures("db")

KEYS = st.sampled_from(["a", "b", "c"])
HOLDS = st.sampled_from(["x", "y"])


class Model:
    """Purses as a list of amounts, real money first. Bets remember what they took and what they won."""

    def __init__(self, start: int) -> None:
        self.purses = [start]
        self.closed: dict[int, str] = {}
        self.bets: dict[str, dict[int, int]] = {}
        self.first: dict[str, tuple[int, str]] = {}
        self.won: dict[str, list[dict[int, int]]] = {}
        self.undone: set[str] = set()
        self.holds: dict[str, dict[int, int]] = {}

    def draw(self, stake: int) -> dict[int, int] | None:
        took: dict[int, int] = {}
        for index, has in enumerate(self.purses):
            part = min(has, stake - sum(took.values()))
            if part and index not in self.closed:
                took[index] = part
        return took if sum(took.values()) == stake else None

    def place(self, books: dict[str, dict[int, int]], key: str, stake: int) -> str:
        """A bet or a reservation: the first of a key decides."""
        if key in self.first:
            before, outcome = self.first[key]
            if outcome == "tombstoned":
                return outcome
            if before != stake:
                return "conflict"
            return "replayed" if outcome == "applied" else outcome
        took = self.draw(stake)
        self.first[key] = (stake, "applied" if took else "refused")
        if not took:
            return "refused"
        self.move(took, -1)
        books[key] = took
        return "applied"

    def move(self, parts: dict[int, int], sign: int) -> None:
        for index, part in parts.items():
            self.purses[index] += sign * part

    def follow(self, parts: dict[int, int]) -> dict[int, int]:
        """Money of closed purses goes where they went."""
        where: dict[int, int] = {}
        for index, part in parts.items():
            if self.closed.get(index) != "house":
                target = 0 if index in self.closed else index
                where[target] = where.get(target, 0) + part
        return where

    def bet(self, key: str, stake: int) -> str:
        outcome = self.place(self.bets, key, stake)
        if outcome == "applied":
            self.won[key] = []
        return outcome

    def win(self, key: str, amount: int) -> str:
        took = self.bets.get(key)
        if not took or key in self.undone:
            return "unknown_reference"
        shares = {index: amount * Fraction(part, sum(took.values())) // 1 for index, part in took.items() if index}
        first = 0 if 0 in took else min(took)
        shares[first] = int(shares.get(first, 0) + amount - sum(shares.values()))
        paid = {index: int(share) for index, share in shares.items()}
        self.move(self.follow(paid), 1)
        self.won[key].append(self.follow(paid))
        return "applied"

    def rollback(self, key: str) -> str:
        if key not in self.bets:
            self.first.setdefault(key, (0, "tombstoned"))
            return "tombstoned"
        if key in self.undone:
            return "replayed"
        back = dict(self.bets[key])
        for shares in self.won[key]:
            for index, share in shares.items():
                back[index] = back.get(index, 0) - share
        # By the entries' own purses first: what is due to a closed purse follows it, what it owes is taken from there.
        after = list(self.purses)
        for index, part in back.items():
            for target, moved in self.follow({index: part}).items():
                after[target] += moved
        if min(after) < 0:
            return "refused"
        self.purses = after
        self.undone.add(key)
        return "applied"

    def take(self, key: str, amount: int) -> dict[int, int] | None:
        """What of a hold belongs to ``amount``, in proportion, or None: it has not so much."""
        left = self.holds[key]
        whole = sum(left.values())
        if not 0 < amount <= whole:
            return None
        upto = [amount * total // whole for total in accumulate(left.values())]
        parts = {i: now - before for i, now, before in zip(left, upto, [0, *upto], strict=False)}
        for index, part in parts.items():
            left[index] -= part
        return parts

    def close(self, index: int, into: str) -> None:
        if into == "real":
            self.purses[0] += self.purses[index]
        self.purses[index] = 0
        self.closed[index] = into


class Ledger(RuleBasedStateMachine):
    """Every step is done on both, and both must answer and hold the same."""

    @initialize(start=st.integers(0, 500))
    def begin(self, start: int) -> None:
        self.player = make_player()
        self.model = Model(start)
        self.purse_ids: list[UUID | None] = [None]
        self.steps = 0
        if start:
            fund(self.player.id, f"{start / 100:.2f}")

    def common(self) -> dict[str, Any]:
        self.steps += 1  # purses opened one after the other are drawn in this order
        return {
            "player_id": self.player.id,
            "source": str(self.player.id),
            "actor": ACTOR,
            "at": AT + timedelta(seconds=self.steps),
        }

    def key(self) -> str:
        return f"step {self.steps + 1}"

    @rule(amount=st.integers(1, 300))
    def grant(self, amount: int) -> None:
        purse, posting = open_bonus_purse(
            amount=Money(amount, "EUR"), terms=PurseTerms(), idempotency_key=self.key(), **self.common()
        )
        assert posting.ok
        self.purse_ids.append(purse)
        self.model.purses.append(amount)

    @precondition(lambda self: len(self.purse_ids) - 1 > len(self.model.closed))
    @rule(data=st.data(), into=st.sampled_from(["real", "house"]))
    def close(self, data: st.DataObject, into: str) -> None:
        index = data.draw(st.sampled_from([i for i in range(1, len(self.purse_ids)) if i not in self.model.closed]))
        posting = close_bonus_purse(
            purse_id=self.purse_ids[index],  # type: ignore[arg-type]
            release=into == "real",
            currency="EUR",
            idempotency_key=self.key(),
            **self.common(),
        )
        assert posting.outcome is Outcome.APPLIED
        self.model.close(index, into)

    @rule(key=KEYS, stake=st.integers(1, 400))
    def bet(self, key: str, stake: int) -> None:
        got = place_bet(idempotency_key=key, game="fruits", round_id=key, stake=Money(stake, "EUR"), **self.common())
        self.same(got, self.model.bet(key, stake))

    @rule(key=KEYS | HOLDS.map(lambda name: f"{name} captured"), amount=st.integers(0, 900))
    def win(self, key: str, amount: int) -> None:
        got = credit_win(idempotency_key=self.key(), bet_key=key, amount=Money(amount, "EUR"), **self.common())
        self.same(got, self.model.win(key, amount))

    @rule(key=KEYS)
    def rollback(self, key: str) -> None:
        got = roll_back_bet(idempotency_key=self.key(), bet_key=key, currency="EUR", **self.common())
        self.same(got, self.model.rollback(key))

    @rule(key=HOLDS, amount=st.integers(1, 400))
    def reserve(self, key: str, amount: int) -> None:
        got = holds.reserve(
            idempotency_key=key, game="fruits", round_id=key, amount=Money(amount, "EUR"), **self.common()
        )
        self.same(got, self.model.place(self.model.holds, key, amount))

    @rule(key=HOLDS, amount=st.integers(1, 300))
    def capture(self, key: str, amount: int) -> None:
        bet_key = f"{key} captured" if f"{key} captured" not in self.model.bets else self.key()
        got = holds.capture(idempotency_key=bet_key, hold_key=key, amount=Money(amount, "EUR"), **self.common())
        if key not in self.model.holds:
            return self.same(got, "unknown_reference")
        if bet_key in self.model.first:
            return None  # refused before under this name: it stays refused, or conflicts
        parts = self.model.take(key, amount)
        self.same(got, "applied" if parts else "refused")
        self.model.first[bet_key] = (amount, got.outcome)
        if parts:
            self.model.bets[bet_key], self.model.won[bet_key] = {i: p for i, p in parts.items() if p}, []
        return None

    @rule(key=HOLDS, amount=st.none() | st.integers(1, 300))
    def release(self, key: str, amount: int | None) -> None:
        got = holds.release(
            idempotency_key=self.key(),
            hold_key=key,
            currency="EUR",
            amount=None if amount is None else Money(amount, "EUR"),
            **self.common(),
        )
        if key not in self.model.holds:
            return self.same(got, "unknown_reference")
        parts = self.model.take(key, sum(self.model.holds[key].values()) if amount is None else amount)
        self.same(got, "applied" if parts else "refused")
        self.model.move(self.model.follow(parts or {}), 1)
        return None

    def same(self, got: Posting, expected: str) -> None:
        assert got.outcome == Outcome(expected)

    @invariant()
    def both_hold_the_same(self) -> None:
        if not hasattr(self, "player"):
            return
        now = get_balances(self.player.id)
        assert (now.real.amount_minor, now.bonus.amount_minor) == (self.model.purses[0], sum(self.model.purses[1:]))
        held = [p.balance.amount_minor for p in list_purses(self.player.id) if p.kind is AccountKind.HELD]
        assert sum(held) == sum(sum(left.values()) for left in self.model.holds.values())


def test_the_ledger_does_what_the_model_does() -> None:
    make_game()
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=80, stateful_step_count=16, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
