"""Clients that play over HTTP and write down what they were told: calls are repeated until they are answered.

One client calls for one player, one call after another, as game servers do. An answer is what the API promises: the
operation stands. No answer, or a server's error, promises nothing, and the same call is sent again under the same key.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from tests.wallet.adapters.aggregators import Hub88

REFUSED = "refused"
TIMEOUT_S = 15
PAUSE_S = 0.1
PATIENCE_S = 30


@dataclass
class Call:
    """One operation under its key. ``answer`` is "" until somebody has promised something."""

    kind: str  # bet, play, win, rollback, deposit, withdrawal, cancellation
    key: str
    amount: int = 0  # minor units: the stake of a bet or play
    win: int = 0
    bet: Call | None = None  # of wins and rollbacks
    over: str = "rest"  # or the aggregator's protocol
    answer: str = ""  # applied, refused
    id: str = ""  # of a deposit or withdrawal
    tries: int = 0

    @property
    def applied(self) -> bool:
        return self.answer == "applied"


@dataclass
class Client:
    """A player's client. ``calls`` is its journal, in order; ``wrong`` what should never have been answered."""

    url: str
    token: str
    player_id: UUID
    random: Random
    instrument: str = ""
    aggregator: Hub88 | None = None
    calls: list[Call] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    errors: list[tuple[float, str]] = field(default_factory=list)  # when a call was not answered, and why

    def __post_init__(self) -> None:
        self._connection: http.client.HTTPConnection | None = None

    # --- playing -----------------------------------------------------------------------------------------------------

    def play(self, stop: threading.Event) -> None:
        """Make call after call until told to stop: a call that is under way then is given up, answered or not."""
        while not stop.is_set():
            for call in self._next():
                self.calls.append(call)
                while not self.send(call) and not stop.is_set():
                    time.sleep(PAUSE_S)
                if stop.is_set() or not call.applied:
                    break

    def finish(self) -> None:
        """Send what was given up again."""
        deadline = time.monotonic() + PATIENCE_S
        for call in self.calls:
            while not call.answer and not self.send(call):
                assert time.monotonic() < deadline, f"no answer to {call}: {self.errors[-1]}"
                time.sleep(PAUSE_S)

    def _next(self) -> list[Call]:
        """What to do next: a bet and what follows from it, or a payment."""
        key = f"{self.player_id.hex[-8:]}-{len(self.calls)}"
        if not self.calls:
            return [Call("deposit", key, 20_000)]
        roll, over = self.random.random(), "hub88" if self.aggregator and self.random.random() < 0.3 else "rest"
        if roll < 0.08:
            return [Call("deposit", key, self.random.randrange(500, 5000))]
        if roll < 0.14 and self.instrument:
            asked = Call("withdrawal", key, self.random.randrange(100, 900))
            return [asked, Call("cancellation", f"{key}c", bet=asked)] if self.random.random() < 0.5 else [asked]
        if roll < 0.40:
            return [Call("play", key, self._stake(), self.random.choice([0, 0, 30, 250]))]
        bet = Call("bet", key, self._stake(), over=over)
        if roll < 0.60:
            return [bet]
        if roll < 0.85:
            return [bet, Call("win", f"{key}w", self.random.randrange(1, 400), bet=bet, over=over)]
        return [bet, Call("rollback", f"{key}r", bet=bet, over=over)]

    def _stake(self) -> int:
        return self.random.randrange(1, 300)

    # --- calling -----------------------------------------------------------------------------------------------------

    def send(self, call: Call) -> bool:
        """Once; whether it was answered."""
        call.tries += 1
        try:
            (self._by_adapter if call.over == "hub88" else self._by_rest)(call)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._hang_up()
            self.errors.append((time.monotonic(), repr(error)))
        return bool(call.answer)

    def _by_rest(self, call: Call) -> None:
        path, body = self._request(call)
        status, answer = self._post(path, body, call.key)
        if status in (200, 201):
            outcome = answer.get("outcome") or answer["state"]
            call.answer, call.id = "applied", answer.get("id", "")
            expected = {
                "deposit": ("made",),
                "withdrawal": ("in_review", "approved", "sent", "paid", "cancelled"),
                "cancellation": ("cancelled",),
            }
            if outcome not in expected.get(call.kind, ("applied", "replayed")):
                self.wrong.append(f"{call}: {outcome}")
        elif status >= 500:
            self.errors.append((time.monotonic(), f"{status} {answer}"))
        elif answer.get("code") in ("insufficient_funds", "withdrawal_moved", "winnings_spent"):
            call.answer = REFUSED
        else:
            call.answer = REFUSED
            self.wrong.append(f"{call}: {status} {answer}")

    def _request(self, call: Call) -> tuple[str, dict[str, str]]:
        body = {"player_id": str(self.player_id), "currency": "EUR"}
        amount = {"amount": _major(call.amount)}
        bet = {"bet_key": call.bet.key} if call.bet else {}
        game = {"game": "fruits", "round": f"round {call.key}", "stake": _major(call.amount)}
        match call.kind:
            case "bet":
                return "wallet/bets", body | game
            case "play":
                return "wallet/plays", body | game | {"win": _major(call.win)}
            case "win":
                return "wallet/wins", body | amount | bet
            case "rollback":
                return "wallet/rollbacks", {"player_id": str(self.player_id)} | bet
            case "deposit":
                return "wallet/deposits", body | amount | {"provider": "sandbox", "instrument": "tok_ok"}
            case "withdrawal":
                return "wallet/withdrawals", body | amount | {"instrument_id": self.instrument}
        assert call.bet
        return f"wallet/withdrawals/{call.bet.id}/cancel", {}

    def _post(self, path: str, body: dict[str, str], key: str) -> tuple[int, dict[str, Any]]:
        if self._connection is None:
            where = urlsplit(self.url)
            self._connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        }
        self._connection.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _by_adapter(self, call: Call) -> None:
        assert self.aggregator
        amount = _major(call.amount)
        if call.kind == "bet":
            reply = self.aggregator.bet(call.key, amount, round_id=f"round {call.key}")
        elif call.kind == "win":
            assert call.bet
            reply = self.aggregator.win(call.key, call.bet.key, amount, round_id=f"round {call.bet.key}")
        else:
            assert call.bet
            reply = self.aggregator.undo(call.key, call.bet.key, round=f"round {call.bet.key}")
        if reply.ok:
            call.answer = "applied"
        elif reply.error in ("RS_ERROR_NOT_ENOUGH_MONEY",):
            call.answer = REFUSED
        elif reply.status >= 500 or reply.error in ("RS_ERROR_UNKNOWN", "?"):
            self.errors.append((time.monotonic(), f"{reply.status} {reply.body}"))
        else:
            call.answer = REFUSED
            self.wrong.append(f"{call}: {reply.status} {reply.body}")


def _major(minor: int) -> str:
    return f"{Decimal(minor) / 100:.2f}"
