"""A new player: registers in an app, and uses the player API from it; their games, bank and staff are here too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import time_machine
from django.http import HttpResponse
from django.test import Client

from compliance.providers.kyc_sandbox import KycSandbox
from compliance.types_kyc import Answer
from kernel import clock
from kernel.actors import system
from tests.identity.calls import PASSWORD, Program, person, registered
from tests.rest.conftest import SCOPES, Api, problem
from tests.staff import staff_client
from tests.stories.faces import push
from wallet.services.payment_sending import send_due


def fields_asked(country: str) -> set[str]:
    """What the app has to ask for."""
    return set(Program().api("GET", f"registration-fields?country={country}").json()["required"])


def turned_away(**details: str) -> HttpResponse:
    """The answer to a registration that nothing comes of."""
    return Program().auth("POST", "auth/signup", person(**details))


class Newcomer:
    """Registers at once. ``hand`` moves time; nothing else does."""

    def __init__(self, hand: time_machine.Traveller, token_for: Callable[..., str], **details: str) -> None:
        self.hand, self.token_for = hand, token_for
        self.casino = Api(token_for(*SCOPES))
        self.program, self.data = registered(**details)
        self.currency = details["currency"]
        self.id: str = self.read("profile")["id"]
        self.rounds = 0

    # --- in the app

    def read(self, path: str) -> Any:
        answer = self.program.api("GET", f"me/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def send(self, method: str, path: str, body: Any = None) -> HttpResponse:
        return self.program.api(method, f"me/{path}", body)

    def done(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.send(method, path, body)
        assert answer.status_code in (200, 201), answer.content
        return answer.json()

    def limit(self, amount: str, period: str) -> Any:
        """Set a limit on deposits; the change that waits, None: it is in force."""
        body = {"kind": "deposit", "period": period, "amount": amount, "currency": self.currency}
        return self.done("PUT", "limits", body)["change"]

    def deposit(self, amount: str, card: str = "tok_ok") -> str:
        """What became of it, or why it was refused."""
        body = {"amount": amount, "currency": self.currency, "provider": "sandbox", "instrument": card}
        return _said(self.send("POST", "deposits", body), "deposit_refused")

    def withdraw(self, amount: str) -> str:
        """Back to the card that was paid with; what became of it, or why it was refused."""
        body = {"amount": amount, "currency": self.currency, "instrument_id": self._card()}
        return _said(self.send("POST", "withdrawals", body), "withdrawal_refused")

    def confirm_who_i_am(self) -> None:
        """Money leaves only after a fresh proof."""
        problem(self.send("POST", "withdrawals", {}), 403, "step_up_needed")
        assert self.program.auth("POST", "auth/reauthenticate", {"password": PASSWORD}).status_code == 200

    def wait(self, **time: float) -> None:
        """Time goes by; the app stays logged in."""
        self._pass(time)
        assert self.program.renew().status_code == 200

    def come_back(self, **time: float) -> None:
        """Time goes by, and the player logs in again."""
        self._pass(time)
        assert self.program.login("email", self.data["email"]).status_code == 200

    def _pass(self, time: dict[str, float]) -> None:
        self.hand.shift(timedelta(**time))
        self.casino.token = self.token_for(*SCOPES)

    # --- at the games, the verification provider, the cash desk

    def bet(self, stake: str, game: str = "fruits", win: str = "") -> str:
        """'applied', or why the bet was refused; ``win`` comes at once."""
        body = {**self._round(game), "stake": stake}
        key = f"bet-{self.id}-{self.rounds}"
        said = self.casino.post("wallet/bets", body, key=key).json()
        if win:
            paid = {"player_id": self.id, "bet_key": key, "amount": win, "currency": self.currency}
            assert self.casino.post("wallet/wins", paid).status_code == 200
        return str(said["reason"] or said["outcome"])

    def gets_free_spins(self) -> str:
        body = {"player_id": self.id, "currency": self.currency, "spins": 5, "spin_value": "1.00"}
        said = self.casino.post("wallet/free-spins", body).json()
        return str(said["reason"] or said["outcome"])

    def free_spin(self) -> str:
        said = self.casino.post("wallet/free-bets", self._round("fruits")).json()
        return str(said["reason"] or said["outcome"])

    def prove(self) -> None:
        """Hand documents to the verification provider, which says by webhook what it thinks of them."""
        assert self.done("POST", "verification/check", {})["provider"] == "sandbox"
        headers, body = KycSandbox().notice(UUID(self.id), Answer.ACCEPTED, clock.now())
        told = Client().post("/api/v1/webhooks/kyc/sandbox", body, content_type="application/json", headers=headers)
        assert told.json() == {"taken": True}
        assert self.read("verification")["status"] == "confirmed"

    def registers_said(self) -> set[tuple[str, str]]:
        items = self.casino.get(f"players/{self.id}/register-checks").json()["items"]
        return {(row["register"], row["outcome"]) for row in items}

    def is_paid(self, amount: str) -> None:
        """Staff approve the withdrawal that waits, and the provider pays it."""
        waiting = self.waiting_withdrawal()
        form = {f"part_{self._card()}": amount, "reason": "", "confirmed": "1"}
        assert "are approved" in push(staff_client("finance"), "wallet_withdrawal_approve", waiting, **form)
        send_due(actor=system("send-payouts"), at=clock.now())
        assert self.read(f"withdrawals/{waiting}")["state"] == "paid"

    def waiting_withdrawal(self) -> str:
        (waiting,) = [row["id"] for row in self.read("withdrawals")["items"] if row["state"] == "in_review"]
        return str(waiting)

    def _card(self) -> str:
        """The one that was paid with."""
        return next(str(row["id"]) for row in self.read("instruments")["items"] if row["paid_in"] != "0.00")

    def _round(self, game: str) -> dict[str, str]:
        self.rounds += 1
        return {"player_id": self.id, "game": game, "round": f"round-{self.rounds}", "currency": self.currency}


def _said(answer: HttpResponse, refused: str) -> str:
    body = answer.json()
    if answer.status_code == 201:
        return str(body["state"])
    assert (answer.status_code, body["code"]) == (403, refused), body
    return str(body["reason"])
