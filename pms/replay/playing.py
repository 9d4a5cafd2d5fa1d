"""Plays a file of bets through the public services: registrations, deposits, bets. Doing it twice changes nothing.

What a player deposits follows from the file alone: before a bet that the running balance does not cover, the shortfall
rounded up to the next 50 EUR. Keys are made from the file's ids, so a restart repeats the same calls.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from kernel.actors import system
from kernel.errors import DomainError
from kernel.money import Money
from players.services.registration import Registration, register
from pms.replay.bets_file import CURRENCY, Bet, read_bets
from pms.replay.lanes import Lanes
from wallet.services.bets import play
from wallet.services.deposits import request_deposit
from wallet.services.games import upsert_games
from wallet.types import GameCategory, GameDetails, Outcome
from wallet.types_payments import DepositState

ACTOR = system("replay_bets")
COUNTRY = "IE"  # the files name none: any country that pays in euro
GAME = GameDetails(
    code="crash",
    name="Crash",
    provider="replay",
    category=GameCategory.SLOTS,
    rtp=Decimal("0.99"),
    exclusive=False,
    active=True,
)
DEPOSIT_STEP_MINOR = 50_00


@dataclass(slots=True)
class _Account:
    """A player while the file runs: ``balance_minor`` is what the file says, not what the wallet holds."""

    player_id: UUID
    balance_minor: int
    placed_at_max: float


def plan_deposit(balance_minor: int, stake_minor: int) -> int:
    """What to deposit before a stake, in minor units: the shortfall rounded up to the next 50 EUR; 0 when covered."""
    shortfall = max(stake_minor - balance_minor, 0)
    return -(-shortfall // DEPOSIT_STEP_MINOR) * DEPOSIT_STEP_MINOR


class Replay:
    """One run over one file. ``counts`` and ``minor`` tell what happened so far, also while it runs."""

    def __init__(self, *, source: str, workers: int, reject: Callable[[int, str], None]) -> None:
        self.counts: Counter[str] = Counter()
        self.minor: Counter[str] = Counter()
        self._source = source
        self._on_reject = reject
        self._lock = threading.Lock()
        self._accounts: dict[str, _Account | None] = {}  # each entry is touched by one lane only
        self._lanes = Lanes(workers, self._take)

    def run(self, path: Path) -> None:
        """Play the whole file. Raises: NotABetsFile, OSError; what the database raises when it stays away."""
        upsert_games([GAME])
        try:
            for bet in read_bets(path, self._reject):
                if not self._lanes.put(bet.player, bet):
                    break
        except BaseException:
            self._lanes.stop()
            raise
        finally:
            self._lanes.join()

    def stop(self) -> None:
        """End soon, between two bets."""
        self._lanes.stop()

    def _take(self, bet: Bet) -> None:
        account = self._account(bet)
        if account is None:
            return
        missing = plan_deposit(account.balance_minor, bet.stake.amount_minor)
        if missing:
            self._deposit(account, bet, Money(missing, CURRENCY))
        posting = play(
            player_id=account.player_id,
            source=self._source,
            idempotency_key=bet.bet_id,
            game=GAME.code,
            round_id=bet.round_id,
            stake=bet.stake,
            win=bet.win,
            actor=ACTOR,
            at=bet.placed_at,
        )
        account.balance_minor += missing - bet.stake.amount_minor + bet.win.amount_minor
        with self._lock:
            self.counts[f"bets {posting.outcome}"] += 1
            self.counts["done"] += 1
            if posting.ok:
                self.minor["stakes"] += bet.stake.amount_minor
                self.minor["wins"] += bet.win.amount_minor
            if bet.placed_at.timestamp() < account.placed_at_max:
                self.counts["back in time"] += 1
        account.placed_at_max = max(account.placed_at_max, bet.placed_at.timestamp())
        if not posting.ok:
            self._on_reject(bet.line, _explain(posting.outcome, posting.reason))

    def _account(self, bet: Bet) -> _Account | None:
        """The player's account, opened at the first bet; None when it cannot be opened."""
        if bet.player not in self._accounts:
            try:
                player = register(
                    data=Registration(
                        email=f"{bet.player}@replay.invalid",
                        login=bet.player,
                        country=COUNTRY,
                        currency=CURRENCY,
                        source=self._source,
                    ),
                    actor=ACTOR,
                    idempotency_key=f"{self._source}:{bet.player}",
                    at=bet.placed_at,
                )
            except DomainError as problem:
                self._accounts[bet.player] = None
                self._reject(bet.line, f"player {bet.player!r} cannot be registered: {problem.detail}")
                return None
            self._accounts[bet.player] = _Account(player.id, 0, 0.0)
            with self._lock:
                self.counts["players"] += 1
        elif self._accounts[bet.player] is None:
            self._reject(bet.line, f"player {bet.player!r} could not be registered")
        return self._accounts[bet.player]

    def _deposit(self, account: _Account, bet: Bet, amount: Money) -> None:
        try:
            deposit = request_deposit(
                player_id=account.player_id,
                amount=amount,
                provider="sandbox",
                instrument="tok_ok",
                source=self._source,
                idempotency_key=f"before:{bet.bet_id}",
                actor=ACTOR,
                at=bet.placed_at,
            )
            made = deposit.state is DepositState.MADE
        except DomainError:
            made = False  # the bet is refused then, and named
        with self._lock:
            self.counts["deposits" if made else "deposits refused"] += 1
            self.minor["deposits"] += amount.amount_minor if made else 0

    def _reject(self, line: int, reason: str) -> None:
        with self._lock:
            self.counts["rejected"] += 1
            self.counts["done"] += 1
        self._on_reject(line, reason)


def _explain(outcome: Outcome, reason: str) -> str:
    if outcome is Outcome.CONFLICT:
        return "conflict: this bet_id was played before with other content"
    return f"{outcome}: {reason}" if reason else str(outcome)
