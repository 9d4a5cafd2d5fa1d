"""Traffic at real time: a few players at the games at any moment, until it is told to stop."""

from __future__ import annotations

import math
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from compliance.selectors_sessions import get_game_rules
from compliance.services.play_sessions import acknowledge_login_summary, acknowledge_reality_check, begin_play
from compliance.types_gate import ReasonCode
from compliance.types_sessions import Choice
from kernel import clock
from kernel.actors import system
from kernel.errors import DomainError
from kernel.ids import uuid7
from kernel.money import Money
from players.selectors import get_player, list_players
from players.types import Status
from pms.casino.extras import SPIN_VALUE, SPINS, contributions, draw_jackpot, ensure_extras, welcome
from pms.casino.games import CasinoGame, catalogue, draw_win
from pms.casino.jurisdictions import ready
from pms.casino.offers import ensure_offers
from pms.casino.people import Habit, draw_habit, make_person
from pms.casino.seeding import CURRENCY, SOURCE, register_person
from pms.casino.stories import DECLINED, ROLLED_BACK, TWO_CALLS, draw_stake
from pms.replay.lanes import patiently
from wallet.selectors import get_balances, list_instruments
from wallet.services.bets import credit_win, place_bet, play, roll_back_bet
from wallet.services.deposits import request_deposit
from wallet.services.free_spins import use_free_spins
from wallet.services.games import upsert_games
from wallet.services.jackpots import pay_jackpot
from wallet.services.withdrawals import request_withdrawal
from wallet.types import GameCategory, Posting
from wallet.types_payments import DepositState
from wallet.types_purses import RoundExtras

ACTOR = system("casino live")
TABLES = 24  # sessions at the same time
KNOWN_PLAYERS = 400
NEWCOMERS = 0.12  # of sessions
CASH_OUT = 0.25  # of sessions that end with something left
LEAST_CASH_OUT_MINOR = 20_00
# Refusals after which the player stays at the table.
_PATIENCE = (
    ReasonCode.REALITY_CHECK_DUE,
    ReasonCode.LOGIN_SUMMARY_DUE,
    ReasonCode.ACTIVITY_CHECK_DUE,
    ReasonCode.TOO_FAST,
    ReasonCode.PARALLEL_PLAY,
    ReasonCode.BREAK_DUE,
)


@dataclass(slots=True)
class _Session:
    player_id: UUID
    random: Random
    habit: Habit
    stake_minor: int
    favourites: tuple[CasinoGame, ...]
    game: CasinoGame
    bets_left: int
    balance_minor: int
    cap_minor: int | None  # the highest stake on a slot, where the player lives


class LiveTraffic:
    """``run`` plays ``rate`` bets a second on average. ``counts`` tells what happened so far."""

    def __init__(self, *, seed: str, rate: float) -> None:
        self.counts: Counter[str] = Counter()
        self.stopping = threading.Event()
        self._random = Random(f"live {seed}")
        self._rate = rate
        self._sessions: list[_Session] = []
        self._known: list[UUID] = []

    def run(self) -> None:
        """Play until ``stopping`` is set. While the database is away it waits, and goes on when it is back."""
        patiently(lambda: upsert_games([game.details for game in catalogue()]), self.stopping)
        patiently(lambda: ensure_extras(clock.now()), self.stopping)
        patiently(lambda: ensure_offers(clock.now()), self.stopping)
        while not self.stopping.wait(self._random.expovariate(self._rate * _rhythm(clock.now()))):
            try:
                self._step()
            except DomainError:
                self.counts["refused"] += 1  # excluded meanwhile, a login taken: somebody else plays instead
        self._sessions.clear()

    def _step(self) -> None:
        """One bet at one of the tables; sometimes a session begins or ends around it."""
        if len(self._sessions) < TABLES:
            self._sessions.append(self._sit_down())
        session = self._random.choice(self._sessions)
        session.bets_left -= 1
        if session.random.random() < 0.04:
            session.game = session.random.choice(session.favourites)
        try:
            leaves = session.bets_left < 0 or not self._bet(session)
        except DomainError:
            self._sessions.remove(session)
            raise
        if leaves:
            self._sessions.remove(session)
            self._leave(session)

    def _sit_down(self) -> _Session:
        if not self._known:
            found = patiently(lambda: list_players(status=Status.ACTIVE, limit=KNOWN_PLAYERS), self.stopping)
            self._known = [player.id for player in found if player.currency == CURRENCY]
        new = not self._known or self._random.random() < NEWCOMERS
        player_id = self._newcomer() if new else self._random.choice(self._known)
        random = Random(f"{player_id} {self._random.random()}")
        habit, stake_minor, favourites = draw_habit(Random(str(player_id)))
        balance = patiently(lambda: get_balances(player_id), self.stopping).real.amount_minor
        length = max(round(habit.bets_a_session * math.exp(random.gauss(0, 0.6))), 2)
        rules = patiently(lambda: get_game_rules(player_id, clock.now()), self.stopping)
        offered = [game for game in favourites if game.details.category in (rules.games_offered or GameCategory)]
        favourites = tuple(offered or catalogue()[:1])  # the first is a slot: those are offered everywhere
        cap = rules.stake_caps.get(GameCategory.SLOTS)
        return _Session(
            player_id,
            random,
            habit,
            stake_minor,
            favourites,
            random.choice(favourites),
            length,
            balance,
            cap.amount_minor if cap else None,
        )

    def _newcomer(self) -> UUID:
        key = uuid7().hex
        person, at = make_person(key), clock.now()
        player_id = patiently(lambda: register_person(person, key, at), self.stopping)
        patiently(lambda: welcome(player_id, source=SOURCE, key=key, actor=ACTOR, at=at), self.stopping)
        patiently(lambda: self._free_rounds(player_id, key, at), self.stopping)
        patiently(lambda: ready(get_player(player_id), ACTOR, at), self.stopping)
        self._known = [*self._known[-KNOWN_PLAYERS:], player_id]
        self.counts["players"] += 1
        return player_id

    def _free_rounds(self, player_id: UUID, key: str, at: datetime) -> None:
        """A newcomer tries some of the free spins."""
        common: dict[str, Any] = {"player_id": player_id, "source": SOURCE, "actor": ACTOR, "at": at}
        game = catalogue()[0]
        for number in range(self._random.randrange(SPINS + 1)):
            bet_key = f"{key}.f{number}"
            use_free_spins(idempotency_key=bet_key, game=game.code, round_id=bet_key, value=SPIN_VALUE, **common)
            won = Money(draw_win(game, SPIN_VALUE.amount_minor, self._random), CURRENCY)
            credit_win(idempotency_key=f"{bet_key}.w", bet_key=bet_key, amount=won, round_closed=True, **common)
            self.counts["free rounds"] += 1

    def _bet(self, session: _Session) -> bool:
        """Play one round; False when the player leaves the table."""
        stake = draw_stake(session.stake_minor, session.random)
        if session.cap_minor is not None and session.game.details.category is GameCategory.SLOTS:
            stake = min(stake, session.cap_minor)
        if stake > session.balance_minor and not self._deposit(session, stake):
            return False
        posting = self._play(session, stake)
        session.balance_minor = posting.real.amount_minor
        self.counts["bets" if posting.ok else "refused"] += 1
        return posting.ok or self._does_as_told(session.player_id, posting.reason)

    def _does_as_told(self, player_id: UUID, reason: str) -> bool:
        """Confirm what waits for the player, or just wait; False when there is nothing that they could do."""
        at = clock.now()
        if reason == ReasonCode.REALITY_CHECK_DUE:
            acknowledge_reality_check(player_id=player_id, choice=Choice.CONTINUE, actor=ACTOR, at=at)
        elif reason == ReasonCode.LOGIN_SUMMARY_DUE:
            acknowledge_login_summary(player_id=player_id, actor=ACTOR, at=at)
        elif reason == ReasonCode.ACTIVITY_CHECK_DUE:
            begin_play(player_id=player_id, actor=ACTOR, at=at)
        return reason in _PATIENCE

    def _play(self, session: _Session, stake_minor: int) -> Posting:
        key, at = uuid7().hex, clock.now()
        win_minor = draw_win(session.game, stake_minor, session.random)
        stake, win = Money(stake_minor, CURRENCY), Money(win_minor, CURRENCY)
        common: dict[str, Any] = {"player_id": session.player_id, "source": SOURCE, "actor": ACTOR, "at": at}
        place: dict[str, Any] = {
            "idempotency_key": key,
            "game": session.game.code,
            "round_id": key,
            "stake": stake,
            **common,
        }
        later: dict[str, Any] = {"idempotency_key": f"{key}.2", "bet_key": key, **common}
        undone = session.random.random() < ROLLED_BACK
        shares = contributions(session.game, stake_minor)
        if not undone and session.random.random() >= TWO_CALLS:
            posting = patiently(lambda: play(win=win, extras=RoundExtras(shares, True), **place), self.stopping)
            jackpot = draw_jackpot(session.random, stake_minor) if shares and posting.ok else None
            if jackpot:
                hit: dict[str, Any] = {"jackpot": shares[0].jackpot, "amount": jackpot, **later}
                posting = patiently(lambda: pay_jackpot(**hit), self.stopping)
                self.counts["jackpots"] += 1
            return posting
        posting = patiently(lambda: place_bet(extras=RoundExtras(shares), **place), self.stopping)
        if posting.ok and undone:
            return patiently(lambda: roll_back_bet(currency=CURRENCY, **later), self.stopping)
        if posting.ok:
            return patiently(lambda: credit_win(amount=win, round_closed=True, **later), self.stopping)
        return posting

    def _leave(self, session: _Session) -> None:
        """Some take a part of what is left home with them."""
        amount = session.balance_minor // 2 // 10_00 * 10_00
        if amount < LEAST_CASH_OUT_MINOR or session.random.random() >= CASH_OUT:
            return
        instruments = patiently(lambda: list_instruments(session.player_id), self.stopping)
        if not instruments:
            return
        key, at = uuid7().hex, clock.now()
        patiently(
            lambda: request_withdrawal(
                player_id=session.player_id,
                amount=Money(amount, CURRENCY),
                instrument_id=session.random.choice(instruments).id,
                source=SOURCE,
                idempotency_key=key,
                actor=ACTOR,
                at=at,
            ),
            self.stopping,
        )
        self.counts["withdrawals"] += 1

    def _deposit(self, session: _Session, stake_minor: int) -> bool:
        usual = session.random.choice(session.habit.deposits) * 100
        key, at = uuid7().hex, clock.now()
        amount = Money(max(usual, -(-stake_minor // 1000) * 1000), CURRENCY)
        instrument = "tok_decline" if session.random.random() < DECLINED else "tok_ok"
        deposit = patiently(
            lambda: request_deposit(
                player_id=session.player_id,
                amount=amount,
                provider="sandbox",
                instrument=instrument,
                source=SOURCE,
                idempotency_key=key,
                actor=ACTOR,
                at=at,
            ),
            self.stopping,
        )
        made = deposit.state is DepositState.MADE
        self.counts["deposits" if made else "deposits declined"] += 1
        return made


def _rhythm(at: datetime) -> float:
    """Busier in the evening than in the morning; 1 on average over the day."""
    return 1 + 0.3 * math.sin((at.hour + at.minute / 60 - 14) / 24 * 2 * math.pi)
