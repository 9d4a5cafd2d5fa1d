"""A player's life as a list of actions, decided before anything is played: the same seed gives the same actions.

Only real money is played, so the balance follows from the actions alone and no bet is refused for want of money.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from players.types import RestrictionKind
from pms.casino.games import CasinoGame, draw_win
from pms.casino.people import Person, round_stake

WEEKDAYS = (0.8, 0.8, 0.9, 1.0, 1.3, 1.5, 1.2)  # Monday first: weekends are busier
SHORTEST_PAUSE = timedelta(hours=2)
DECLINED = 0.07
TWO_CALLS = 0.15  # of bets: placed and won in calls of their own, the rest in one
ROLLED_BACK = 0.004
RESTRICTED = 0.03
_RESTRICTIONS = (
    (RestrictionKind.COOLING_OFF, "Asked for a break", "player", 7),
    (RestrictionKind.SELF_EXCLUDED, "Asked to be excluded", "player", None),
    (RestrictionKind.DEPOSIT_BLOCK, "Chargeback reported by the bank", "staff", 14),
    (RestrictionKind.WITHDRAWAL_HOLD, "Documents could not be read", "staff", None),
)


@dataclass(frozen=True, slots=True)
class Deposit:
    at: datetime
    number: int
    amount_minor: int
    instrument: str


@dataclass(frozen=True, slots=True)
class Bet:
    """``win_minor`` is None for a bet that is rolled back. ``one_call``: bet and win are reported together."""

    at: datetime
    number: int
    game: CasinoGame
    stake_minor: int
    win_minor: int | None
    one_call: bool


@dataclass(frozen=True, slots=True)
class Restrict:
    at: datetime
    kind: RestrictionKind
    reason: str
    source: str
    until: datetime | None


Action = Deposit | Bet | Restrict


def tell_life(person: Person, registered_at: datetime, until: datetime, intensity: float = 1.0) -> Iterator[Action]:
    """What the person does from registration to ``until``, in order of time. ``intensity`` scales sessions' length."""
    return _Life(person, registered_at, until, intensity).tell()


def draw_stake(usual_minor: int, random: Random) -> int:
    """A stake around the usual one: log-normal, as people bet."""
    return round_stake(usual_minor * math.exp(random.gauss(0, 0.45)))


class _Life:
    def __init__(self, person: Person, registered_at: datetime, until: datetime, intensity: float) -> None:
        self.person = person
        self.random = Random(f"life {person.seed}")
        self.registered_at = registered_at
        self.until = until
        self.intensity = intensity
        self.balance_minor = 0
        self.number = 0
        self.zone = ZoneInfo(person.time_zone)
        self.no_deposits_until = registered_at

    def tell(self) -> Iterator[Action]:
        restriction = self._draw_restriction()
        for start in self._sessions():
            if restriction and restriction.at <= start:
                yield restriction
                if restriction.kind is RestrictionKind.SELF_EXCLUDED:
                    return
                if restriction.kind is not RestrictionKind.WITHDRAWAL_HOLD:
                    self.no_deposits_until = restriction.until or self.until
                restriction = None
            if start >= self.no_deposits_until:
                yield from self._session(start)

    def _sessions(self) -> Iterator[datetime]:
        """When sessions begin: weekly rhythm, hours of habit, until the person loses interest."""
        habit = self.person.habit
        start = self.registered_at + timedelta(minutes=self.random.uniform(2, 30))
        while start < self.until:
            yield start
            days = self.random.expovariate(habit.sessions_a_week / 7)
            if self.random.random() < 1 - (1 - habit.churn) ** (days / 7 + 0.1):
                return
            local = (start + timedelta(days=days)).astimezone(self.zone)
            while self.random.random() > WEEKDAYS[local.weekday()] / max(WEEKDAYS):
                local += timedelta(days=1)
            hour = self.random.choice(habit.hours)
            local = local.replace(hour=hour, minute=self.random.randrange(60), second=self.random.randrange(60))
            start = max(local.astimezone(self.registered_at.tzinfo), start + SHORTEST_PAUSE)

    def _session(self, at: datetime) -> Iterator[Action]:
        length = self.person.habit.bets_a_session * self.intensity * math.exp(self.random.gauss(0, 0.6))
        game = self.random.choice(self.person.favourites)
        for _ in range(max(round(length), 1)):
            if self.random.random() < 0.04:
                game = self.random.choice(self.person.favourites)
            stake = draw_stake(self.person.stake_minor, self.random)
            if stake > self.balance_minor:
                credited = yield from self._deposits(at, stake)
                if not credited:
                    return
                at += timedelta(seconds=20)
            at += timedelta(seconds=self.random.uniform(3, 40))
            if at >= self.until:
                return
            yield self._bet(at, game, stake)

    def _bet(self, at: datetime, game: CasinoGame, stake: int) -> Bet:
        win = draw_win(game, stake, self.random)
        if self.random.random() < ROLLED_BACK:
            return Bet(at, self._next(), game, stake, None, one_call=False)
        self.balance_minor += win - stake
        return Bet(at, self._next(), game, stake, win, one_call=self.random.random() >= TWO_CALLS)

    def _deposits(self, at: datetime, stake: int) -> Generator[Action, None, bool]:
        """One or two tries to pay in; returns (to ``yield from``) whether the stake is covered now."""
        if self.number and self.random.random() < 0.35:
            return False  # enough for today
        for _ in range(2):
            at += timedelta(seconds=5)
            if at >= self.until:
                return False
            usual = self.random.choice(self.person.habit.deposits) * 100
            amount = max(usual, -(-stake // 1000) * 1000)
            if self.random.random() >= DECLINED:
                self.balance_minor += amount
                yield Deposit(at, self._next(), amount, "tok_ok")
                return True
            yield Deposit(at, self._next(), amount, "tok_decline")
        return False

    def _draw_restriction(self) -> Restrict | None:
        if self.random.random() >= RESTRICTED:
            return None
        kind, reason, source, days = self.random.choice(_RESTRICTIONS)
        at = self.registered_at + (self.until - self.registered_at) * self.random.uniform(0.3, 0.9)
        return Restrict(at, kind, reason, source, at + timedelta(days=days) if days else None)

    def _next(self) -> int:
        self.number += 1
        return self.number
