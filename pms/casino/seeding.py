"""Fills an empty casino: invented players live through some weeks, by the public services, at their own past times.

The same arguments give the same ledger figures. Keys are made from the arguments: a run that was killed is taken up by
running it again.
"""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from kernel.actors import system
from kernel.errors import DomainError
from kernel.money import Money
from players.selectors import list_restrictions
from players.services.registration import Registration, register
from players.services.restrictions import impose
from pms.casino.games import catalogue
from pms.casino.people import Person, make_person
from pms.casino.stories import Action, Bet, Deposit, Restrict, tell_life
from pms.replay.lanes import Lanes
from wallet.services.bets import credit_win, place_bet, play, roll_back_bet
from wallet.services.deposits import request_deposit
from wallet.services.games import upsert_games
from wallet.types_payments import DepositState

ACTOR = system("casino")
SOURCE = "casino"
CURRENCY = "EUR"
NEAR_THE_LIMIT = 0.95  # aim a little below --max-bets, so that the last day is not cut off


@dataclass(frozen=True, slots=True)
class Plan:
    """What to seed: ``players`` who register within the ``days`` before ``until``, at most ``max_bets`` bets."""

    seed: str
    players: int
    days: int
    until: datetime
    max_bets: int

    @property
    def name(self) -> str:
        """Different for every different plan; part of every key."""
        return f"{self.seed}.{self.players}.{self.days}.{self.until:%Y%m%d%H%M%S}.{self.max_bets}"


@dataclass(frozen=True, slots=True)
class _Register:
    at: datetime


_Step = tuple[datetime, int, "Action | _Register"]


def tell_story(plan: Plan) -> tuple[list[Person], Iterator[_Step]]:
    """Everybody, and what they do as (time, person's number, action), in order of time."""
    people = [make_person(f"{plan.name}.{number}") for number in range(plan.players)]
    starts = [_registration(person, plan) for person in people]
    bets = sum(
        isinstance(action, Bet)
        for person, start in zip(people, starts, strict=True)
        for action in tell_life(person, start, plan.until)
    )
    intensity = min(1.0, NEAR_THE_LIMIT * plan.max_bets / max(bets, 1))

    def life(number: int) -> Iterator[_Step]:
        yield starts[number], number, _Register(starts[number])
        for action in tell_life(people[number], starts[number], plan.until, intensity):
            yield action.at, number, action

    return people, _limit_bets(heapq.merge(*map(life, range(plan.players)), key=lambda step: step[:2]), plan.max_bets)


def _registration(person: Person, plan: Plan) -> datetime:
    share = Random(f"registration {person.seed}").random() ** 1.4  # the casino grows: more come late
    moment = plan.until - timedelta(days=plan.days) * (1 - share)
    return moment.replace(microsecond=0) - timedelta(minutes=1)


def _limit_bets(steps: Iterator[_Step], max_bets: int) -> Iterator[_Step]:
    bets = 0
    for step in steps:
        bets += isinstance(step[2], Bet)
        if bets > max_bets:
            return
        yield step


class Seeding:
    """One run of a plan. ``counts`` tells what happened so far."""

    def __init__(self, plan: Plan, *, workers: int) -> None:
        self.counts: Counter[str] = Counter()
        self._plan = plan
        self._lock = threading.Lock()
        self._ids: dict[int, UUID | None] = {}
        self._lanes: Lanes[tuple[int, Action | _Register]] = Lanes(workers, self._take)

    def run(self, progress: Callable[[Counter[str]], None] = lambda counts: None) -> None:
        """Play the plan. Raises: what a service raises unexpectedly, the database's errors when it stays away."""
        try:
            upsert_games([game.details for game in catalogue()])
            self._people, steps = tell_story(self._plan)
            for _, number, action in steps:
                if not self._lanes.put(str(number), (number, action)):
                    break
                progress(self.counts)
        except BaseException:
            self._lanes.stop()
            raise
        finally:
            self._lanes.join()

    def _take(self, item: tuple[int, Action | _Register]) -> None:
        number, action = item
        if isinstance(action, _Register):
            self._register(number, action)
            return
        player_id = self._ids[number]
        if player_id is None:
            return
        match action:
            case Deposit():
                self._deposit(player_id, number, action)
            case Bet():
                self._bet(player_id, number, action)
            case Restrict():
                self._restrict(player_id, action)

    def _register(self, number: int, action: _Register) -> None:
        person = self._people[number]
        try:
            self._ids[number] = register_person(person, f"{self._plan.name}.{number}", action.at)
            self._count("players")
        except DomainError:
            self._ids[number] = None  # an earlier seed's player has the login
            self._count("players skipped")

    def _deposit(self, player_id: UUID, number: int, action: Deposit) -> None:
        deposit = request_deposit(
            player_id=player_id,
            amount=Money(action.amount_minor, CURRENCY),
            provider="sandbox",
            instrument=action.instrument,
            source=SOURCE,
            idempotency_key=self._key(number, action.number),
            actor=ACTOR,
            at=action.at,
        )
        self._count("deposits" if deposit.state is DepositState.MADE else "deposits declined")

    def _bet(self, player_id: UUID, number: int, bet: Bet) -> None:
        key = self._key(number, bet.number)
        stake = Money(bet.stake_minor, CURRENCY)
        common: dict[str, Any] = {"player_id": player_id, "source": SOURCE, "actor": ACTOR}
        place: dict[str, Any] = {"idempotency_key": key, "game": bet.game.code, "round_id": key, "stake": stake}
        place |= {"at": bet.at, **common}
        if bet.one_call:
            posting = play(win=Money(bet.win_minor or 0, CURRENCY), **place)
        else:
            posting = place_bet(**place)
            later: dict[str, Any] = {
                "idempotency_key": f"{key}.2",
                "bet_key": key,
                "at": bet.at + timedelta(seconds=2),
                **common,
            }
            if bet.win_minor is None:
                roll_back_bet(currency=CURRENCY, **later)
                self._count("rollbacks")
            elif bet.win_minor:
                credit_win(amount=Money(bet.win_minor, CURRENCY), **later)
        self._count("bets" if posting.ok else "bets refused")

    def _restrict(self, player_id: UUID, action: Restrict) -> None:
        # Restrictions take no idempotency key: look whether this one stands.
        if any(found.kind is action.kind and found.active_from == action.at for found in list_restrictions(player_id)):
            return
        impose(
            player_id=player_id,
            kind=action.kind,
            reason=action.reason,
            source=action.source,
            active_until=action.until,
            actor=ACTOR,
            at=action.at,
        )
        self._count("restrictions")

    def _key(self, number: int, action: int) -> str:
        return f"{self._plan.name}.{number}.{action}"

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1


def register_person(person: Person, key: str, at: datetime) -> UUID:
    """Open the person's account; its id. Raises: FieldErrors when another player has the login or email."""
    data = Registration(
        email=person.email,
        login=person.login,
        country=person.country,
        currency=CURRENCY,
        first_name=person.first_name,
        last_name=person.last_name,
        birth_date=person.birth_date,
        city=person.city,
        language=person.language,
        time_zone=person.time_zone,
        source=person.source,
    )
    return register(data=data, actor=ACTOR, idempotency_key=key, at=at).id
