"""Random sequences of everything a player's money does, against a ledger kept in plain Python (``money_model``)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
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
from tests.wallet.money_model import CONTENT, ROUNDS, Model, Spins, Terms, game_of
from tests.wallet.purses import charge, events
from wallet.selectors import get_balances, list_purses, sum_house
from wallet.services import holds
from wallet.services.adapter_bets import credit_any_win, roll_back_any_bet
from wallet.services.batches import place_batch
from wallet.services.bets import credit_win, place_bet, play, roll_back_bet
from wallet.services.free_spins import end_free_spins, grant_free_spins, use_free_spins
from wallet.services.jackpots import ensure_jackpot, pay_jackpot
from wallet.services.purses import close_bonus_purse, expire_bonus_purses, open_bonus_purse
from wallet.services.rounds import close_round
from wallet.services.tournaments import buy_in, refund_tournament, settle_tournament
from wallet.types import AccountKind, BatchBet, GameCategory, Outcome, Posting
from wallet.types_purses import FeeKind, FreeSpinsTerms, JackpotShare, RoundExtras

pytestmark = pytest.mark.usefixtures("db")

KEYS = st.sampled_from(["a", "b", "c", "d", "e"])
HOLDS = st.sampled_from(["x", "y"])
FREE = st.sampled_from(["f", "g"])
TERMS = st.builds(
    Terms,
    priority=st.sampled_from([-1, 50, 100, 100]),
    cap=st.none() | st.integers(50, 400),
    live=st.sampled_from([None, None, True, False]),
    until=st.none() | st.integers(1, 20),
)


class Ledger(RuleBasedStateMachine):
    """Every step is done on both, and both must answer and hold the same."""

    @initialize(start=st.integers(0, 500))
    def begin(self, start: int) -> None:
        self.player = make_player()
        self.model = Model(start)
        self.purse_ids: list[UUID | None] = [None]
        self.steps = 0
        self.spin_purses: list[UUID] = []
        self.before = self.house()
        if start:
            fund(self.player.id, f"{start / 100:.2f}")

    def common(self) -> dict[str, Any]:
        self.steps += 1  # purses opened one after the other are drawn in this order
        self.model.now = self.steps
        return {
            "player_id": self.player.id,
            "source": f"adapter:{self.player.id}",
            "actor": ACTOR,
            "at": AT + timedelta(seconds=self.steps),
        }

    def key(self) -> str:
        return f"step {self.steps + 1}"

    @rule(amount=st.integers(1, 300), terms=TERMS)
    def grant(self, amount: int, terms: Terms) -> None:
        purse, posting = open_bonus_purse(
            amount=Money(amount, "EUR"), terms=terms.as_told, idempotency_key=self.key(), **self.common()
        )
        assert posting.ok
        self.purse_ids.append(purse)
        self.model.purses.append(amount)
        self.model.terms.append(terms)

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

    @rule(key=KEYS, stake=st.integers(2, 400), micro=st.sampled_from([0, 0, 300_000, 999_999, 1_250_000]))
    def bet(self, key: str, stake: int, micro: int) -> None:
        share = JackpotShare("mega", Decimal(micro).scaleb(-8))
        got = place_bet(
            idempotency_key=key,
            game=game_of(ROUNDS[key]),
            round_id=ROUNDS[key],
            stake=Money(stake, "EUR"),
            extras=RoundExtras((share,) if micro else ()),
            **self.common(),
        )
        self.same(got, self.model.bet(key, stake, micro))

    @rule(key=KEYS, stake=st.integers(2, 400), win=st.integers(0, 400))
    def play(self, key: str, stake: int, win: int) -> None:
        got = play(
            idempotency_key=key, game=game_of(ROUNDS[key]), round_id=ROUNDS[key], stake=Money(stake, "EUR"),
            win=Money(win, "EUR"), **self.common(),
        )  # fmt: skip
        self.same(got, self.model.bet(key, stake, win=win))

    @rule(items=st.lists(st.tuples(KEYS, st.integers(2, 300), st.none() | st.integers(0, 300)), min_size=1, max_size=4))
    def batch(self, items: list[tuple[str, int, int | None]]) -> None:
        common = self.common()
        player_id = common.pop("player_id")
        bets = [
            BatchBet(player_id, key, game_of(ROUNDS[key]), ROUNDS[key], Money(stake, "EUR"),
                     None if win is None else Money(win, "EUR"))
            for key, stake, win in items
        ]  # fmt: skip
        for got, (key, stake, win) in zip(place_batch(items=bets, **common), items, strict=True):
            self.same(got, self.model.bet(key, stake, win=win))

    @rule(round_id=st.sampled_from(["r1", "r2", "free", "x", "y"]), amount=st.integers(0, 400), ends=st.booleans())
    def win_of_round(self, round_id: str, amount: int, ends: bool) -> None:
        got = credit_any_win(
            idempotency_key=self.key(), bet_key=None, game=game_of(round_id), round_id=round_id,
            amount=Money(amount, "EUR"), round_closed=ends, **self.common(),
        )  # fmt: skip
        self.same(got, self.model.win_of_round(round_id, amount, ends))

    @rule(key=KEYS, stake=st.integers(2, 4), exact=st.booleans())
    def rollback_by_aggregator(self, key: str, stake: int, exact: bool) -> None:
        """It names the stake: another than the bet's is a conflict."""
        whole = sum(self.model.bets.get(key, {}).values())
        named = whole if exact and whole else stake
        got = roll_back_any_bet(
            idempotency_key=self.key(), bet_key=key, currency="EUR", stake=Money(named, "EUR"), **self.common()
        )
        self.same(got, "conflict" if whole and named != whole else self.model.rollback(key))

    @rule()
    def expire(self) -> None:
        expire_bonus_purses(at=self.common()["at"])
        for index in range(1, len(self.model.purses)):
            if index not in self.model.closed and self.model.gone(index):
                self.model.close(index, "house")

    @rule(key=KEYS | HOLDS.map(lambda name: f"{name} captured"), amount=st.integers(0, 900), raked=st.booleans())
    def win(self, key: str, amount: int, raked: bool) -> None:
        won = Money(amount, "EUR")
        got = credit_win(idempotency_key=self.key(), bet_key=key, amount=won, raked=raked, **self.common())
        self.same(got, self.model.win(key, amount, (amount + 5) // 10 if raked else 0, amount == 0))

    @rule(key=KEYS | FREE, amount=st.integers(1, 2_000))
    def jackpot(self, key: str, amount: int) -> None:
        won = Money(amount, "EUR")
        got = pay_jackpot(idempotency_key=self.key(), bet_key=key, jackpot="mega", amount=won, **self.common())
        self.same(got, self.model.jackpot(key, amount))

    @rule(key=KEYS)
    def rollback(self, key: str) -> None:
        got = roll_back_bet(idempotency_key=self.key(), bet_key=key, currency="EUR", **self.common())
        self.same(got, self.model.rollback(key))

    @rule(round_id=st.sampled_from(["r1", "r2", "free", "x"]))
    def close_round(self, round_id: str) -> None:
        got = close_round(
            idempotency_key=self.key(), game=game_of(round_id), round_id=round_id, currency="EUR", **self.common()
        )
        self.same(got, self.model.end(round_id))

    @rule(count=st.integers(1, 3), value=st.integers(1, 30), bonus=st.none() | TERMS)
    def grant_spins(self, count: int, value: int, bonus: Terms | None) -> None:
        terms = FreeSpinsTerms(count, Money(value, "EUR"), winnings=bonus.as_told if bonus else None)
        purse_id, got = grant_free_spins(terms=terms, idempotency_key=self.key(), **self.common())
        assert got.ok
        self.spin_purses.append(purse_id)
        if bonus:
            winnings = next(p.winnings_id for p in list_purses(self.player.id) if p.id == purse_id)
            self.purse_ids.append(winnings)
            self.model.purses.append(0)
            self.model.terms.append(bonus)
        self.model.spins.append(Spins(value, count, len(self.model.purses) - 1 if bonus else 0))

    @rule(key=FREE)
    def spin(self, key: str) -> None:
        got = use_free_spins(
            idempotency_key=key, game="fruits", round_id="free", value=Money(0, "EUR"), **self.common()
        )
        self.same(got, self.model.spin(key))

    @rule(key=FREE, amount=st.integers(0, 300))
    def win_free(self, key: str, amount: int) -> None:
        got = credit_win(idempotency_key=self.key(), bet_key=key, amount=Money(amount, "EUR"), **self.common())
        self.same(got, self.model.free_win(key, amount, amount == 0))

    @rule(key=FREE)
    def rollback_free(self, key: str) -> None:
        got = roll_back_bet(idempotency_key=self.key(), bet_key=key, currency="EUR", **self.common())
        self.same(got, self.model.free_rollback(key))

    @precondition(lambda self: any(not purse.closed for purse in self.model.spins))
    @rule(data=st.data())
    def forfeit_spins(self, data: st.DataObject) -> None:
        open_ = [index for index, purse in enumerate(self.model.spins) if not purse.closed]
        index = data.draw(st.sampled_from(open_))
        got = end_free_spins(
            purse_id=self.spin_purses[index],
            why="forfeited",
            currency="EUR",
            idempotency_key=self.key(),
            **self.common(),
        )
        assert got.outcome is Outcome.APPLIED
        self.model.spins[index].closed, self.model.spins[index].left = True, 0

    @rule(amount=st.integers(1, 200), rebuy=st.booleans())
    def buy_in(self, amount: int, rebuy: bool) -> None:
        got = buy_in(
            tournament="cup", amount=Money(amount, "EUR"), rebuy=rebuy, idempotency_key=self.key(), **self.common()
        )
        self.same(got, self.model.buy_in(amount, (amount + 5) // 10, rebuy))

    @rule(prize=st.none() | st.integers(0, 400))
    def leave(self, prize: int | None) -> None:
        key = self.key()
        if prize is None:
            got = refund_tournament(tournament="cup", currency="EUR", idempotency_key=key, **self.common())
        else:
            won = Money(prize, "EUR")
            got = settle_tournament(tournament="cup", prize=won, idempotency_key=key, **self.common())
        self.same(got, self.model.leave(prize))

    def house(self) -> dict[AccountKind, int]:
        kinds = (AccountKind.FEES, AccountKind.JACKPOT, AccountKind.SPINS_ISSUED)
        return {kind: sum(money.amount_minor for money in sum_house(kind).values()) for kind in kinds}

    @rule(key=HOLDS, amount=st.integers(1, 400))
    def reserve(self, key: str, amount: int) -> None:
        got = holds.reserve(
            idempotency_key=key, game=game_of(key), round_id=key, amount=Money(amount, "EUR"), **self.common()
        )
        self.same(got, self.model.place(self.model.holds, key, amount * CONTENT, key))

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
        self.model.first[bet_key] = (amount * CONTENT, got.outcome)
        if parts:
            self.model.bets[bet_key], self.model.won[bet_key] = {i: p for i, p in parts.items() if p}, []
            self.model.rounds[bet_key] = key
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
        assert now.real.amount_minor == self.model.purses[0]
        purses = {p.id: p.balance.amount_minor for p in list_purses(self.player.id)}
        assert [purses[id_] for id_ in self.purse_ids[1:] if id_] == self.model.purses[1:]
        held = [p.balance.amount_minor for p in list_purses(self.player.id) if p.kind is AccountKind.HELD]
        assert sum(held) == sum(sum(left.values()) for left in self.model.holds.values())
        open_spins = [purse for purse in self.model.spins if not purse.closed]
        assert now.spins_left == sum(purse.left for purse in open_spins)
        assert now.tournament.amount_minor == (self.model.cup or (0, 0))[0]
        moved = {kind: minor - self.before[kind] for kind, minor in self.house().items()}
        assert moved == {
            AccountKind.FEES: self.model.fees,
            AccountKind.JACKPOT: self.model.pot,
            AccountKind.SPINS_ISSUED: -sum(purse.left * purse.value for purse in open_spins),
        }

    def teardown(self) -> None:
        """Each round that was closed was told once."""
        if hasattr(self, "player"):
            told = [event.payload["round"] for event in events(self.player.id, "round-settled")]
            assert sorted(told) == sorted(self.model.ended)


def test_the_ledger_does_what_the_model_does() -> None:
    make_game()
    make_game("wheel", GameCategory.LIVE)
    ensure_jackpot(code="mega", name="Mega", currency="EUR")
    charge(FeeKind.RAKE, percent="10")
    charge(FeeKind.TOURNAMENT_BUY_IN, percent="10")
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=25, stateful_step_count=24, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
