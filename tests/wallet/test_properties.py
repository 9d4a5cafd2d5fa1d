"""Random sequences of everything a player's money does, against a ledger kept in a few lines of plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
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
from wallet.types import AccountKind, BatchBet, GameCategory, Outcome, Posting, PurseTerms
from wallet.types_purses import FeeKind, FreeSpinsTerms, JackpotShare, RoundExtras

pytestmark = pytest.mark.usefixtures("db")

KEYS = st.sampled_from(["a", "b", "c", "d", "e"])
HOLDS = st.sampled_from(["x", "y"])
FREE = st.sampled_from(["f", "g"])
ROUNDS = {"a": "r1", "b": "r1", "c": "r2", "d": "r1", "e": "r2"}
LIVE = {"r2", "y"}  # rounds of a game of another category
CONTENT = 10_000_000  # a stake and its contribution as one number


@dataclass
class Terms:
    """What a purse may be used for; ``until`` counts steps. Real money's are these."""

    priority: int = 0
    cap: int | None = None
    live: bool | None = None  # live games only, slots only, any
    until: int | None = None

    @property
    def as_told(self) -> PurseTerms:
        return PurseTerms(
            priority=self.priority,
            stake_cap=None if self.cap is None else Money(self.cap, "EUR"),
            game_categories=() if self.live is None else (GameCategory.LIVE if self.live else GameCategory.SLOTS,),
            active_until=None if self.until is None else AT + timedelta(seconds=self.until),
        )


TERMS = st.builds(
    Terms,
    priority=st.sampled_from([-1, 50, 100, 100]),
    cap=st.none() | st.integers(50, 400),
    live=st.sampled_from([None, None, True, False]),
    until=st.none() | st.integers(1, 20),
)


@dataclass
class Spins:
    """A free-spins purse; ``winnings`` is the index of the purse that wins go to."""

    value: int
    left: int
    winnings: int
    closed: bool = False


class Model:
    """Purses as a list of amounts, real money first. Bets remember what they took and what they won."""

    def __init__(self, start: int) -> None:
        self.purses = [start]
        self.terms = [Terms()]
        self.now = 0
        self.closed: dict[int, str] = {}
        self.bets: dict[str, dict[int, int]] = {}
        self.first: dict[str, tuple[int, str]] = {}
        self.won: dict[str, list[dict[int, int]]] = {}
        self.undone: set[str] = set()
        self.holds: dict[str, dict[int, int]] = {}
        self.rounds: dict[str, str] = {}  # of bets that were placed
        self.ended: set[str] = set()
        self.micro: dict[str, int] = {}  # jackpot contributions of bets, in millionths of a cent
        self.jackpots: dict[str, list[dict[int, int]]] = {}
        self.rake: dict[str, int] = {}
        self.spins: list[Spins] = []
        self.free: dict[str, Spins] = {}
        self.cup: tuple[int, int] | None = None  # paid in, and fees
        self.fees = 0

    def gone(self, index: int) -> bool:
        """Forfeited or run out: what comes to it is the house's."""
        until = self.terms[index].until
        open_until = until is None or index in self.closed or self.now < until
        return self.closed.get(index) == "house" or not open_until

    def draw(self, stake: int, live: bool) -> dict[int, int] | None:
        took: dict[int, int] = {}
        for index in sorted(range(len(self.purses)), key=lambda i: (self.terms[i].priority, i)):
            terms, part = self.terms[index], min(self.purses[index], stake - sum(took.values()))
            if not part or index in self.closed or self.gone(index) or terms.live not in (None, live):
                continue
            if terms.cap is not None and stake > terms.cap:
                return None
            took[index] = part
        return took if sum(took.values()) == stake else None

    def place(self, books: dict[str, dict[int, int]], key: str, stake: int, round_id: str = "") -> str:
        """A bet or a reservation: the first of a key decides."""
        if key in self.first:
            before, outcome = self.first[key]
            if outcome == "tombstoned":
                return outcome
            if before != stake:
                return "conflict"
            return "replayed" if outcome == "applied" else outcome
        took = None if round_id in self.ended else self.draw(stake // CONTENT, round_id in LIVE)
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
            if not self.gone(index):
                target = 0 if index in self.closed else index
                where[target] = where.get(target, 0) + part
        return where

    def bet(self, key: str, stake: int, micro: int = 0, win: int | None = None) -> str:
        """A bet, or with a ``win`` (zero: lost) a play in one call."""
        said = stake * CONTENT + micro + (0 if win is None else (win + 1) * 3)
        outcome = self.place(self.bets, key, said, ROUNDS[key])
        if outcome == "applied":
            self.won[key], self.jackpots[key], self.micro[key] = [], [], micro
            self.rounds[key] = ROUNDS[key]
            if win:
                self.win(key, win, 0, False)
        return outcome

    def win_of_round(self, round_id: str, amount: int, ends: bool) -> str:
        """On the round's latest bet that stands, free or not."""
        key = next((k for k, r in reversed(self.rounds.items()) if r == round_id and k not in self.undone), "")
        return self.free_win(key, amount, ends) if key in self.free else self.win(key, amount, 0, ends)

    def split(self, key: str, amount: int) -> dict[int, int]:
        """To the purses of the stake, as they stand now."""
        took = self.bets[key]
        shares = {index: amount * Fraction(part, sum(took.values())) // 1 for index, part in took.items() if index}
        first = 0 if 0 in took else min(took, key=lambda i: (self.terms[i].priority, i))
        shares[first] = int(shares.get(first, 0) + amount - sum(shares.values()))
        return self.follow({index: int(share) for index, share in shares.items()})

    def end(self, round_id: str) -> str:
        """Close a round."""
        if round_id in self.ended:
            return "replayed"
        if round_id not in self.rounds.values():
            return "unknown_reference"
        if sum(self.holds.get(round_id, {}).values()):
            return "refused"
        self.ended.add(round_id)
        return "applied"

    def win(self, key: str, amount: int, rake: int, ends: bool) -> str:
        if key not in self.bets or key in self.undone:
            return "unknown_reference"
        paid = self.split(key, amount - rake)
        self.move(paid, 1)
        self.won[key].append(paid)
        self.rake[key] = self.rake.get(key, 0) + rake
        self.fees += rake
        if ends:
            self.end(self.rounds[key])
        return "applied"

    def jackpot(self, key: str, amount: int) -> str:
        if (key not in self.bets and key not in self.free) or key in self.undone:
            return "unknown_reference"
        paid = self.follow({self.free[key].winnings: amount}) if key in self.free else self.split(key, amount)
        self.move(paid, 1)
        self.jackpots.setdefault(key, []).append(paid)
        return "applied"

    @property
    def pot(self) -> int:
        """Contributions of standing bets in whole cents, less jackpot wins."""
        standing = [key for key in [*self.bets, *self.free] if key not in self.undone]
        won = sum(sum(paid.values()) for key in standing for paid in self.jackpots.get(key, []))
        return sum(self.micro.get(key, 0) for key in standing) // 1_000_000 - won

    def rollback(self, key: str) -> str:
        if key not in self.bets:
            self.first.setdefault(key, (0, "tombstoned"))
            return "tombstoned"
        if key in self.undone:
            return "replayed"
        back = dict(self.bets[key])
        for shares in [*self.won[key], *self.jackpots.get(key, [])]:
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
        self.fees -= self.rake.get(key, 0)
        return "applied"

    def spin(self, key: str) -> str:
        if key in self.first:
            outcome = self.first[key][1]
            return "replayed" if outcome == "applied" else outcome
        purse = next((p for p in self.spins if p.left and not p.closed), None)
        if "free" in self.ended or purse is None:
            self.first[key] = (0, "refused")
            return "refused"
        purse.left -= 1
        self.first[key] = (0, "applied")
        self.free[key], self.won[key], self.rounds[key] = purse, [], "free"
        return "applied"

    def free_win(self, key: str, amount: int, ends: bool) -> str:
        if key not in self.free or key in self.undone:
            return "unknown_reference"
        paid = self.follow({self.free[key].winnings: amount})
        self.move(paid, 1)
        self.won[key].append(paid)
        if ends:
            self.end("free")
        return "applied"

    def free_rollback(self, key: str) -> str:
        if key not in self.free:
            self.first.setdefault(key, (0, "tombstoned"))
            return "tombstoned"
        if key in self.undone:
            return "replayed"
        after = list(self.purses)
        for paid in [*self.won[key], *self.jackpots.get(key, [])]:
            for index, part in self.follow({i: -p for i, p in paid.items()}).items():
                after[index] += part
        if min(after) < 0:
            return "refused"
        self.purses = after
        self.undone.add(key)
        if not self.free[key].closed:
            self.free[key].left += 1
        return "applied"

    def buy_in(self, amount: int, fee: int, rebuy: bool) -> str:
        if rebuy and not self.cup:
            return "unknown_reference"
        if (self.cup and not rebuy) or self.purses[0] < amount + fee:
            return "refused"
        paid, fees = self.cup or (0, 0)
        self.cup = (paid + amount, fees + fee)
        self.purses[0] -= amount + fee
        self.fees += fee
        return "applied"

    def leave(self, prize: int | None) -> str:
        """Settled with a prize, or refunded."""
        if not self.cup:
            return "unknown_reference"
        paid, fees = self.cup
        self.purses[0] += paid + fees if prize is None else prize
        self.fees -= fees if prize is None else 0
        self.cup = None
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


def game_of(round_id: str) -> str:
    return "wheel" if round_id in LIVE else "fruits"


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
