"""Everything a player's money does, in a few lines of plain Python: what ``test_properties`` holds the ledger to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import accumulate

from kernel.money import Money
from tests.factories import AT
from wallet.types import GameCategory, PurseTerms

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
        into = "house" if self.gone(index) else into
        if into == "real":
            self.purses[0] += self.purses[index]
        self.purses[index] = 0
        self.closed[index] = into


def game_of(round_id: str) -> str:
    return "wheel" if round_id in LIVE else "fruits"
