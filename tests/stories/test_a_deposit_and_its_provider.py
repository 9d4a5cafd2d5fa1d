"""Money in: every way that a deposit can go, as the player, the provider and the ledger see it.

requested → pending → made | failed | cancelled | charged_back, exactly one event for each change.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from events.catalogue import wallet as told_events
from tests.factories import ACTOR, AT, make_player
from tests.wallet.payments import pay_in, real, told
from wallet.ports import Direction, PaymentAnswer, PaymentState
from wallet.providers.sandbox import SandboxProvider
from wallet.rules import DEPOSIT_MOVES
from wallet.selectors import get_deposit, list_deposits
from wallet.services.deposits import chase_pending
from wallet.services.payment_notices import receive_notice
from wallet.types_payments import DepositState

pytestmark = pytest.mark.usefixtures("db")

S = PaymentState
# What the provider says after "pending", one thing after another; where the deposit ends; what the player has then.
WAYS = [
    ([S.MADE], DepositState.MADE, "100.00", ["made"]),
    ([S.MADE, S.MADE, S.PENDING], DepositState.MADE, "100.00", ["made"]),
    ([S.FAILED], DepositState.FAILED, "0.00", ["failed"]),
    ([S.FAILED, S.FAILED], DepositState.FAILED, "0.00", ["failed"]),
    ([S.CANCELLED], DepositState.CANCELLED, "0.00", ["cancelled"]),
    ([S.FAILED, S.MADE], DepositState.MADE, "100.00", ["failed", "made"]),
    ([S.CANCELLED, S.MADE], DepositState.MADE, "100.00", ["cancelled", "made"]),
    ([S.MADE, S.FAILED, S.CANCELLED], DepositState.MADE, "100.00", ["made"]),
    ([S.MADE, S.CHARGED_BACK], DepositState.CHARGED_BACK, "0.00", ["made", "charged-back"]),
    ([S.CHARGED_BACK, S.MADE], DepositState.CHARGED_BACK, "0.00", ["made", "charged-back"]),
    ([S.MADE, S.CHARGED_BACK, S.MADE, S.CHARGED_BACK], DepositState.CHARGED_BACK, "0.00", ["made", "charged-back"]),
    ([S.UNKNOWN], DepositState.PENDING, "0.00", []),
]


@pytest.mark.parametrize(("says", "state", "balance", "events"), WAYS)
def test_whatever_the_provider_says_and_in_whatever_order(
    says: list[PaymentState], state: DepositState, balance: str, events: list[str]
) -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_pending")
    for word in says:
        headers, body = SandboxProvider().webhook(Direction.IN, deposit.id, PaymentAnswer(word, "ref"), AT)
        receive_notice(provider="sandbox", headers=headers, body=body, at=AT)
    assert get_deposit(deposit.id).state is state
    assert real(player.id) == balance
    assert told(player.id) == ["deposit-requested", "deposit-pending", *(f"deposit-{name}" for name in events)]


def test_a_player_pays_in_while_the_provider_has_a_bad_day() -> None:
    player = make_player()
    tries = {
        "tok_decline": DepositState.FAILED,
        "tok_cancel": DepositState.CANCELLED,
        "tok_timeout": DepositState.PENDING,
        "tok_ok": DepositState.MADE,
    }
    for token, state in tries.items():
        assert pay_in(player.id, "10.00", token).state is state
    assert real(player.id) == "10.00"
    # The answer that never came had been a yes: the chaser finds out, and nobody has to call support.
    chase_pending(actor=ACTOR, at=AT + timedelta(minutes=2))
    assert real(player.id) == "20.00"
    assert {row.number for row in list_deposits(player.id)} == {1, 2, None}


def test_every_state_can_be_reached_and_no_end_is_left_but_by_the_table() -> None:
    reached = {DepositState.REQUESTED}.union(*DEPOSIT_MOVES.values())
    assert reached == set(DepositState) == set(DEPOSIT_MOVES)
    assert DEPOSIT_MOVES[DepositState.CHARGED_BACK] == {DepositState.CHARGED_BACK, DepositState.REINSTATED}  # in parts
    names = {name for name in vars(told_events) if name.startswith("Deposit")}
    assert names == {"Deposit" + state.title().replace("_", "") for state in DepositState}
