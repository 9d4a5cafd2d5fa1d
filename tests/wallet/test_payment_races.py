"""Payments under concurrency and crashes: real connections, real commits, a real SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection

from kernel.errors import DomainError
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, make_game, make_player
from tests.wallet.payments import eur, held, pay_in, real, told, withdraw
from wallet.ports import Direction, PaymentAnswer, PaymentOrder, PaymentState
from wallet.providers.sandbox import SandboxProvider
from wallet.selectors import get_deposit, get_withdrawal, list_payouts, list_provider_messages
from wallet.services.deposits import chase_pending
from wallet.services.payment_notices import receive_notice
from wallet.services.payment_sending import send_due
from wallet.services.withdrawal_claims import claim_next
from wallet.services.withdrawal_decisions import approve_withdrawal, reject_withdrawal
from wallet.services.withdrawals import cancel_withdrawal
from wallet.types_payments import DepositState, WithdrawalState

pytestmark = pytest.mark.usefixtures("db")

SANDBOX = SandboxProvider()
LATER = AT + timedelta(minutes=5)
ROOT = Path(__file__).resolve().parents[2]


def notice(direction: Direction, payment_id: UUID, state: PaymentState) -> bool:
    headers, body = SANDBOX.webhook(direction, payment_id, PaymentAnswer(state, "ref"), AT)
    return receive_notice(provider="sandbox", headers=headers, body=body, at=AT)


def attempt(do: object) -> str:
    try:
        do()  # type: ignore[operator]
    except DomainError as error:
        return error.code
    return "done"


def test_a_webhook_twenty_times_at_once_credits_once() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_pending")
    in_parallel([lambda: notice(Direction.IN, deposit.id, PaymentState.MADE)] * 20, 10)
    assert real(player.id) == "100.00"
    assert told(player.id).count("deposit-made") == 1


def test_webhooks_racing_the_chaser_credit_once() -> None:
    players = [make_player() for _ in range(10)]
    deposits = [pay_in(player.id, token="tok_pending") for player in players]
    works = [lambda d=d: notice(Direction.IN, d.id, PaymentState.MADE) for d in deposits]
    works += [lambda: bool(chase_pending(actor=ACTOR, at=LATER))] * 10
    in_parallel(works, 10)
    assert {get_deposit(deposit.id).state for deposit in deposits} == {DepositState.MADE}
    assert [real(player.id) for player in players] == ["100.00"] * 10


def test_two_senders_never_work_on_one_payout(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[UUID] = Counter()

    def payout(self: SandboxProvider, order: PaymentOrder) -> PaymentAnswer:
        calls[order.payment_id] += 1
        return self._answer(order, PaymentState.MADE)

    monkeypatch.setattr(SandboxProvider, "payout", payout)
    asked = []
    for _ in range(10):
        player = make_player()
        pay_in(player.id)
        asked.append(withdraw(player.id))
        approve_withdrawal(withdrawal_id=asked[-1].id, actor=ACTOR, at=AT)
    in_parallel([lambda: send_due(actor=ACTOR, at=AT)] * 10, 10)
    assert sorted(calls.values()) == [1] * 10
    assert {get_withdrawal(row.id).state for row in asked} == {WithdrawalState.PAID}


def test_of_twenty_decisions_at_once_one_counts() -> None:
    player = make_player()
    pay_in(player.id)
    asked = withdraw(player.id)

    def decide(number: int) -> str:
        if number % 3 == 0:
            return attempt(lambda: reject_withdrawal(withdrawal_id=asked.id, reason="x", actor=ACTOR, at=AT))
        if number % 3 == 1:
            return attempt(lambda: cancel_withdrawal(withdrawal_id=asked.id, actor=ACTOR, at=AT))
        return attempt(lambda: approve_withdrawal(withdrawal_id=asked.id, actor=ACTOR, at=AT))

    in_parallel([lambda n=n: decide(n) for n in range(20)], 10)
    in_parallel([lambda: send_due(actor=ACTOR, at=AT)] * 4, 4)
    end = get_withdrawal(asked.id)
    assert end.paid + end.returned == end.amount
    assert held(player.id) == "0.00"
    assert real(player.id) == ("60.00" if end.state is WithdrawalState.PAID else "100.00")
    ends = [
        name for name in told(player.id) if name in ("withdrawal-paid", "withdrawal-rejected", "withdrawal-cancelled")
    ]
    assert len(ends) == 1


def test_two_approvals_at_once_are_one() -> None:
    player = make_player()
    pay_in(player.id)
    asked = withdraw(player.id)
    works = [lambda: attempt(lambda: approve_withdrawal(withdrawal_id=asked.id, actor=ACTOR, at=AT))] * 10
    assert Counter(in_parallel(works, 10)) == {"done": 1, "withdrawal_moved": 9}
    assert len(list_payouts(asked.id)) == 1


def test_withdrawals_racing_bets_never_spend_the_same_money() -> None:
    make_game()
    player = make_player()
    pay_in(player.id)
    works = [lambda: bet(player.id, "5.00").outcome.value] * 20
    works += [lambda n=n: attempt(lambda: withdraw(player.id, "10.00", key=f"w{n}")) for n in range(10)]
    works = [work for pair in zip(works[:10], works[20:], strict=False) for work in pair] + works[10:20]
    outcomes = Counter(in_parallel(works, 10))
    assert outcomes["applied"] * 5 + outcomes["done"] * 10 + float(real(player.id)) == 100
    assert float(held(player.id)) == outcomes["done"] * 10
    assert outcomes["done"] + outcomes["insufficient_funds"] == 10


def test_one_request_sent_twenty_times_at_once_holds_once() -> None:
    player = make_player()
    pay_in(player.id)
    found = in_parallel([lambda: withdraw(player.id).id] * 20, 10)
    assert len(set(found)) == 1
    assert held(player.id) == "40.00"


def test_two_people_asking_for_the_next_get_different_ones() -> None:
    for _ in range(6):
        player = make_player()
        pay_in(player.id)
        withdraw(player.id)
    from kernel.actors import Actor, ActorKind

    may = frozenset({"wallet.approve_withdrawal"})
    works = [lambda n=n: claim_next(actor=Actor(ActorKind.STAFF, str(n), may), at=AT) for n in range(6)]
    got = [row for row in in_parallel(works, 6) if row]
    assert len(set(got)) == len(got) == 6


KILLED = """
    import os, signal, sys
    import django
    django.setup()
    from datetime import datetime
    from kernel.actors import system
    from wallet.providers.sandbox import SandboxProvider
    from wallet.services.payment_sending import send_due

    def payout(self, order):
        open(sys.argv[1], "a").write(f"{order.payment_id}\\n")  # the provider has it now
        os.kill(os.getpid(), signal.SIGKILL)

    SandboxProvider.payout = payout
    send_due(actor=system("test"), at=datetime.fromisoformat(sys.argv[2]))
"""


def test_a_sender_killed_between_call_and_commit_pays_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = make_player()
    pay_in(player.id)
    asked = withdraw(player.id)
    approve_withdrawal(withdrawal_id=asked.id, actor=ACTOR, at=AT)
    seen = tmp_path / "provider"
    settings = connection.settings_dict
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**settings)
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(seen), AT.isoformat()],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert (get_withdrawal(asked.id).state, held(player.id)) == (WithdrawalState.SENT, "40.00")
    assert list_provider_messages([list_payouts(asked.id)[0].id]) == []

    asked_again: list[UUID] = []
    monkeypatch.setattr(
        SandboxProvider,
        "payout",
        lambda self, order: asked_again.append(order.payment_id) or self._answer(order, PaymentState.MADE),
    )
    assert send_due(actor=ACTOR, at=LATER) == 1
    assert [str(payment_id) for payment_id in asked_again] == seen.read_text().split()  # the same key: paid once there
    assert (get_withdrawal(asked.id).paid, held(player.id)) == (eur("40.00"), "0.00")
