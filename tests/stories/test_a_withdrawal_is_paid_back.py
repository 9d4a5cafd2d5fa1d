"""Money out: asked for, set aside, judged, sent, paid; and every way in which that can end otherwise.

requested → in_review → approved → sent → paid | rejected | failed | cancelled, exactly one event for each change.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from kernel.actors import Actor, ActorKind
from players.services.labels import set_label
from tests.factories import ACTOR, AT, bet, make_game, make_player
from tests.wallet.payments import held, instrument, pay_in, real, told, withdraw
from wallet.models_payments import ApprovalRule, WithdrawalPolicy
from wallet.ports import Direction, PaymentOrder
from wallet.providers.sandbox import SandboxProvider
from wallet.rules import PAYOUT_MOVES, WITHDRAWAL_MOVES
from wallet.selectors import get_withdrawal, list_payouts
from wallet.services.bets import credit_win
from wallet.services.payment_notices import receive_notice
from wallet.services.payment_sending import send_due
from wallet.services.withdrawal_claims import claim_next
from wallet.services.withdrawal_decisions import approve_withdrawal, reject_withdrawal
from wallet.services.withdrawals import cancel_withdrawal
from wallet.types_payments import PayoutState, WithdrawalState

pytestmark = pytest.mark.usefixtures("db")

ANN = Actor(ActorKind.STAFF, "7", frozenset({"wallet.approve_withdrawal"}))
W = WithdrawalState
Step = Callable[[UUID], object]


def approve(withdrawal_id: UUID) -> None:
    approve_withdrawal(withdrawal_id=withdrawal_id, actor=ANN, at=AT)


def reject(withdrawal_id: UUID) -> None:
    reject_withdrawal(withdrawal_id=withdrawal_id, reason="no", actor=ANN, at=AT)


def cancel(withdrawal_id: UUID) -> None:
    cancel_withdrawal(withdrawal_id=withdrawal_id, actor=ACTOR, at=AT)


def send(withdrawal_id: UUID) -> None:
    send_due(actor=ACTOR, at=AT)


def hear(withdrawal_id: UUID) -> None:
    """What the sandbox posts about the payout."""
    for payout in list_payouts(withdrawal_id):
        order = PaymentOrder(payout.id, payout.amount, "tok_payout_return")
        for headers, body in SandboxProvider().webhooks(Direction.OUT, order, AT):
            receive_notice(provider="sandbox", headers=headers, body=body, at=AT)


WAYS: list[tuple[str, list[Step], WithdrawalState, str, list[str]]] = [
    ("tok_ok", [approve, send], W.PAID, "60.00", ["approved", "sent", "paid"]),
    ("tok_ok", [reject], W.REJECTED, "100.00", ["rejected"]),
    ("tok_ok", [approve, reject], W.REJECTED, "100.00", ["approved", "rejected"]),
    ("tok_ok", [cancel], W.CANCELLED, "100.00", ["cancelled"]),
    ("tok_ok", [approve, cancel, send], W.CANCELLED, "100.00", ["approved", "cancelled"]),
    ("tok_payout_decline", [approve, send, send], W.FAILED, "100.00", ["approved", "sent", "failed"]),
    ("tok_payout_pending", [approve, send], W.SENT, "60.00", ["approved", "sent"]),
    ("tok_payout_partial", [approve, send], W.PAID, "80.00", ["approved", "sent", "paid"]),
    ("tok_ok", [approve, send, hear, hear], W.FAILED, "100.00", ["approved", "sent", "paid", "returned", "failed"]),
]


@pytest.mark.parametrize(("token", "steps", "state", "balance", "events"), WAYS)
def test_every_way_that_a_withdrawal_can_go(
    token: str, steps: list[Step], state: WithdrawalState, balance: str, events: list[str]
) -> None:
    player = make_player()
    pay_in(player.id, token=token)
    asked = withdraw(player.id, token=token)
    for step in steps:
        step(asked.id)
    end = get_withdrawal(asked.id)
    assert end.state is state
    assert real(player.id) == balance
    assert held(player.id) == ("40.00" if state is W.SENT else "0.00")
    names = ["requested", "review-needed", *events]
    wanted = [f"{'payout' if name == 'returned' else 'withdrawal'}-{name}" for name in names]
    assert [name for name in told(player.id) if not name.startswith("deposit")] == wanted


def test_a_winner_is_paid_from_card_to_bank() -> None:
    """Ann pays 50 by card, wins, and wants 400 in her bank account: the card gets its 50 back, the bank the rest."""
    make_game()
    player = make_player(country="MT")
    WithdrawalPolicy.objects.create(country="MT", cooling_minutes=30)
    pay_in(player.id, "50.00", "tok_ok~card")
    bet(player.id, "50.00", key="lucky")
    from tests.wallet.payments import eur

    credit_win(
        player_id=player.id,
        source="test",
        idempotency_key="w",
        bet_key="lucky",
        amount=eur("450.00"),
        actor=ACTOR,
        at=AT,
    )
    instrument(player.id, "tok_ok~bank")
    asked = withdraw(player.id, "400.00", "tok_ok~bank")
    assert {reason.code for reason in asked.reasons} == {
        "new_instrument",
        "never_paid_in",
        "first_withdrawal",
        "unverified",
    }
    assert claim_next(actor=ANN, at=AT) == asked.id
    approve(asked.id)
    assert send_due(actor=ACTOR, at=AT + timedelta(minutes=29)) == 0
    assert send_due(actor=ACTOR, at=AT + timedelta(minutes=30)) == 2
    assert [str(row.paid) for row in list_payouts(asked.id)] == ["50.00", "350.00"]
    assert (real(player.id), held(player.id)) == ("50.00", "0.00")


def test_a_trusted_player_waits_for_nobody() -> None:
    """Verified, long known, played through, at level gold: approved by the rule and paid in the next seconds."""
    ApprovalRule.objects.filter(level="gold").update(max_score=40)
    make_game()
    player = make_player()
    set_label(player_id=player.id, namespace="loyalty", key="level", value="gold", at=AT)
    pay_in(player.id, "200.00")
    bet(player.id, "100.00")
    later = AT + timedelta(days=40)
    asked = withdraw(player.id, "90.00", at=later)
    assert {reason.code for reason in asked.reasons} == {"first_withdrawal", "unverified"}
    assert (asked.state, asked.automatic) == (W.APPROVED, True)
    send_due(actor=ACTOR, at=later)
    assert get_withdrawal(asked.id).state is W.PAID
    assert "withdrawal-review-needed" not in told(player.id)


def test_every_state_can_be_reached_and_ends_are_ends() -> None:
    assert {W.REQUESTED}.union(*WITHDRAWAL_MOVES.values()) == set(W) == set(WITHDRAWAL_MOVES)
    assert {PayoutState.PLANNED}.union(*PAYOUT_MOVES.values()) == set(PayoutState) == set(PAYOUT_MOVES)
    ends = {state for state, moves in WITHDRAWAL_MOVES.items() if not moves}
    assert ends == {W.REJECTED, W.FAILED, W.CANCELLED}
