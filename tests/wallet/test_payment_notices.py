"""Webhooks: verified, taken once, in whatever order they come."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel.errors import FieldErrors
from kernel.ids import uuid7
from kernel.money import Money
from players.selectors import list_restrictions
from players.services.restrictions import lift
from players.types import RestrictionKind
from tests.factories import ACTOR, AT, bet, make_game, make_player
from tests.wallet.payments import eur, pay_in, real, told, withdraw
from wallet.ports import (
    Direction,
    InvalidSignature,
    PaymentAnswer,
    PaymentOrder,
    PaymentState,
    UnknownProvider,
)
from wallet.providers.sandbox import SIGNATURE_HEADER, SandboxProvider, switch_fault
from wallet.selectors import (
    get_deposit,
    get_withdrawal,
    list_instruments,
    list_payouts,
    list_provider_messages,
    sum_house,
)
from wallet.services.deposits import chase_pending
from wallet.services.payment_notices import receive_notice
from wallet.services.payment_sending import send_due
from wallet.services.withdrawal_decisions import approve_withdrawal
from wallet.services.withdrawal_money import WithdrawalRefused
from wallet.types import AccountKind
from wallet.types_payments import DepositDetails, DepositState, WithdrawalState

pytestmark = pytest.mark.usefixtures("db")

SANDBOX = SandboxProvider()


def order_of(deposit: DepositDetails, token: str = "tok_ok") -> PaymentOrder:
    return PaymentOrder(deposit.id, deposit.amount, token)


def post(message: tuple[dict[str, str], bytes]) -> bool:
    return receive_notice(provider="sandbox", headers=message[0], body=message[1], at=AT)


def say(deposit: DepositDetails, state: PaymentState, reason: str = "", amount: Money | None = None) -> bool:
    return post(SANDBOX.webhook(Direction.IN, deposit.id, PaymentAnswer(state, "ref", reason, amount), AT))


def test_a_pending_deposit_is_credited_by_its_notice_once() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_pending")
    assert deposit.state is DepositState.PENDING
    assert [say(deposit, PaymentState.MADE) for _ in range(3)] == [True, True, True]
    assert real(player.id) == "100.00"
    assert told(player.id) == ["deposit-requested", "deposit-pending", "deposit-made"]
    calls = [row.call for row in list_provider_messages([deposit.id])]
    assert calls == ["authorise", "webhook"]  # a copy of a notice is not kept twice


@pytest.mark.parametrize("token", ["tok_duplicate", "tok_out_of_order"])
def test_copies_and_stragglers_change_nothing(token: str) -> None:
    player = make_player()
    deposit = pay_in(player.id, token=token)
    for message in SANDBOX.webhooks(Direction.IN, order_of(deposit, token), AT):
        post(message)
    assert get_deposit(deposit.id).state is DepositState.MADE
    assert real(player.id) == "100.00"
    assert told(player.id) == ["deposit-requested", "deposit-made"]


def test_a_deposit_that_failed_first_and_was_made_after_all_is_credited() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_decline")
    assert deposit.state is DepositState.FAILED
    say(deposit, PaymentState.MADE)
    made = get_deposit(deposit.id)
    assert (made.state, made.failure_reason, real(player.id)) == (DepositState.MADE, "", "100.00")
    say(deposit, PaymentState.FAILED)
    assert get_deposit(deposit.id).state is DepositState.MADE


def test_less_than_asked_for_credits_what_was_taken() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_pending")
    say(deposit, PaymentState.MADE, amount=eur("60.00"))
    assert real(player.id) == "60.00"
    assert get_deposit(deposit.id).amount == eur("60.00")


def test_another_currency_credits_nobody() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_pending")
    say(deposit, PaymentState.MADE, amount=Money(10000, "USD"))
    assert (get_deposit(deposit.id).state, real(player.id)) == (DepositState.PENDING, "0.00")


def test_a_cancelled_deposit() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_cancel")
    assert (deposit.state, deposit.failure_reason) == (DepositState.CANCELLED, "cancelled_by_payer")
    assert told(player.id) == ["deposit-requested", "deposit-cancelled"]


def test_what_is_reserved_is_captured() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_authorise")
    assert (deposit.state, real(player.id)) == (DepositState.MADE, "100.00")
    assert told(player.id) == ["deposit-requested", "deposit-pending", "deposit-made"]
    assert [row.call for row in list_provider_messages([deposit.id])] == ["authorise", "capture"]


def test_what_never_arrived_fails_after_an_hour_and_not_before() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_lost")
    chase_pending(actor=ACTOR, at=AT + timedelta(minutes=50))
    assert get_deposit(deposit.id).state is DepositState.PENDING
    chase_pending(actor=ACTOR, at=AT + timedelta(hours=3))
    failed = get_deposit(deposit.id)
    assert (failed.state, failed.failure_reason) == (DepositState.FAILED, "never_reached_provider")


# --- chargebacks ---------------------------------------------------------------------------------------------------


def test_a_chargeback_takes_the_money_back() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_chargeback")
    for message in SANDBOX.webhooks(Direction.IN, order_of(deposit, "tok_chargeback"), AT) * 2:
        post(message)
    assert get_deposit(deposit.id).state is DepositState.CHARGED_BACK
    assert real(player.id) == "0.00"
    assert told(player.id) == ["deposit-requested", "deposit-made", "deposit-charged-back"]
    assert list_instruments(player.id)[0].paid_in == eur("0.00")
    assert sum_house(AccountKind.PAYMENTS)["EUR"] == eur("0.00")


def test_what_the_player_has_spent_is_the_houses_loss() -> None:
    make_game()
    player = make_player()
    deposit = pay_in(player.id)
    bet(player.id, "70.00")
    say(deposit, PaymentState.CHARGED_BACK, "fraudulent")
    assert real(player.id) == "0.00"
    assert sum_house(AccountKind.CHARGEBACKS)["EUR"] == eur("-70.00")


def test_a_chargeback_that_overtakes_the_good_news() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_pending")
    say(deposit, PaymentState.CHARGED_BACK, "fraudulent")
    say(deposit, PaymentState.MADE)
    assert get_deposit(deposit.id).state is DepositState.CHARGED_BACK
    assert told(player.id) == ["deposit-requested", "deposit-pending", "deposit-made", "deposit-charged-back"]
    assert real(player.id) == "0.00"


def test_a_part_of_a_deposit_is_refunded() -> None:
    player = make_player()
    say(pay_in(player.id), PaymentState.CHARGED_BACK, "refunded", eur("30.00"))
    assert real(player.id) == "70.00"


def test_a_chargeback_holds_withdrawals_until_somebody_has_looked() -> None:
    player = make_player()
    pay_in(player.id, "50.00")
    approved = withdraw(player.id, "20.00")
    approve_withdrawal(withdrawal_id=approved.id, actor=ACTOR, at=AT)
    charged_back = pay_in(player.id)
    for _ in range(2):
        say(charged_back, PaymentState.CHARGED_BACK, "fraudulent")
    send_due(actor=ACTOR, at=AT)
    assert get_withdrawal(approved.id).state is WithdrawalState.APPROVED
    with pytest.raises(WithdrawalRefused):
        withdraw(player.id, "5.00", key="another")
    (hold,) = list_restrictions(player.id)
    assert (hold.kind, hold.source) == (RestrictionKind.WITHDRAWAL_HOLD, "payments")
    lift(restriction_id=hold.id, reason="explained", actor=ACTOR, at=AT)
    assert "chargebacks" in {reason.code for reason in withdraw(player.id, "5.00", key="another").reasons}


def test_what_we_refunded_ourselves_holds_nothing() -> None:
    player = make_player()
    say(pay_in(player.id), PaymentState.CHARGED_BACK, "refunded", eur("30.00"))
    assert list_restrictions(player.id) == []


def test_a_deposit_left_lying_is_asked_about_and_not_charged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    player = make_player()
    with monkeypatch.context() as broken:
        broken.setattr("wallet.services.deposits._advance", lambda *args: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            pay_in(player.id)
    monkeypatch.setattr(SandboxProvider, "authorise", lambda *_: pytest.fail("charged hours later"))
    assert chase_pending(actor=ACTOR, at=AT + timedelta(hours=30)) == 1
    assert real(player.id) == "100.00"


# --- payouts -------------------------------------------------------------------------------------------------------


def test_a_payout_is_settled_by_its_notice_even_before_the_call_returns() -> None:
    player = make_player()
    pay_in(player.id, token="tok_payout_timeout")
    asked = withdraw(player.id, token="tok_payout_timeout")
    approve_withdrawal(withdrawal_id=asked.id, actor=ACTOR, at=AT)
    send_due(actor=ACTOR, at=AT)
    payout = list_payouts(asked.id)[0]
    order = PaymentOrder(payout.id, payout.amount, "tok_payout_return")
    for message in reversed(SANDBOX.webhooks(Direction.OUT, order, AT)):  # the return overtakes the payment
        post(message)
    assert get_withdrawal(asked.id).state is WithdrawalState.FAILED
    assert real(player.id) == "100.00"
    assert told(player.id)[-3:] == ["withdrawal-sent", "payout-returned", "withdrawal-failed"]


# --- who may say it ------------------------------------------------------------------------------------------------


def test_only_the_provider_is_listened_to() -> None:
    player = make_player()
    deposit = pay_in(player.id, token="tok_pending")
    headers, body = SANDBOX.webhook(Direction.IN, deposit.id, PaymentAnswer(PaymentState.MADE), AT)
    late = AT + timedelta(minutes=6)
    tried = [
        ({}, body, AT),
        ({SIGNATURE_HEADER: "t=1,v1=00"}, body, AT),
        ({SIGNATURE_HEADER: "nonsense"}, body, AT),
        (headers, body + b" ", AT),
        (headers, body, late),
        (headers, body, AT - timedelta(minutes=6)),
    ]
    for given, raw, at in tried:
        with pytest.raises(InvalidSignature):
            receive_notice(provider="sandbox", headers=given, body=raw, at=at)
    assert real(player.id) == "0.00"
    with pytest.raises(UnknownProvider):
        receive_notice(provider="nobody", headers=headers, body=body, at=AT)


def test_a_notice_about_nothing_of_ours_is_let_go() -> None:
    assert not post(SANDBOX.webhook(Direction.IN, uuid7(), PaymentAnswer(PaymentState.MADE, "x"), AT))
    assert not post(SANDBOX.webhook(Direction.OUT, uuid7(), PaymentAnswer(PaymentState.MADE, "x"), AT))


def test_signed_nonsense_names_itself() -> None:
    from wallet.providers import sandbox, signing

    for body in (b"[]", b"{}", b"no json", b'{"amount": null, "state": "made"}'):
        headers = {SIGNATURE_HEADER: signing.sign(body, sandbox._secret(), AT)}
        with pytest.raises(FieldErrors):
            receive_notice(provider="sandbox", headers=headers, body=body, at=AT)


def test_the_fault_switch_overrides_instruments() -> None:
    player = make_player()
    switch_fault("decline")
    assert pay_in(player.id).state is DepositState.FAILED
    switch_fault(None)
    assert pay_in(player.id, "99.00").state is DepositState.MADE
    with pytest.raises(ValueError, match="choose one of"):
        switch_fault("nonsense")
