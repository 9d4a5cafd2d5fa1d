"""Fees of withdrawals: quoted before, taken with the payment, never of what did not arrive."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from kernel.errors import FieldErrors
from tests.factories import ACTOR, AT, make_player
from tests.wallet.payments import eur, held, instrument, pay_in, real, withdraw
from tests.wallet.purses import charge, entries, events, house
from wallet.ports import PaymentAnswer, PaymentState
from wallet.selectors import get_withdrawal, list_payouts, list_transactions
from wallet.services.fees import quote_withdrawal
from wallet.services.payment_sending import _hand_over, send_due, settle_payout
from wallet.services.withdrawal_decisions import approve_withdrawal, reject_withdrawal
from wallet.types import AccountKind
from wallet.types_payments import WithdrawalDetails, WithdrawalState
from wallet.types_purses import FeeKind

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player() -> UUID:
    player_id = make_player().id
    pay_in(player_id, "100.00")
    return player_id


def approve(withdrawal: WithdrawalDetails) -> None:
    if get_withdrawal(withdrawal.id).state is WithdrawalState.IN_REVIEW:
        approve_withdrawal(withdrawal_id=withdrawal.id, actor=ACTOR, at=AT)


def now(withdrawal: WithdrawalDetails) -> tuple[str, ...]:
    row = get_withdrawal(withdrawal.id)
    return str(row.state), str(row.paid), str(row.charged), str(row.returned)


def notice(withdrawal: WithdrawalDetails, state: PaymentState, amount: str = "", number: int = 0) -> None:
    answer = PaymentAnswer(state, amount=eur(amount) if amount else None)
    payout = list_payouts(withdrawal.id)[number]
    settle_payout(payout_id=payout.id, answer=answer, notice_id=f"n-{state}-{number}", actor=ACTOR, at=AT)


def test_the_fee_is_told_before_and_taken_with_the_payment(player: UUID) -> None:
    charge(FeeKind.WITHDRAWAL, percent="1", fixed=150)
    quote = quote_withdrawal(player_id=player, amount=eur("40.00"), instrument_id=instrument(player).id, at=AT)
    assert (str(quote.fee), str(quote.receives)) == ("1.90", "38.10")
    withdrawal = withdraw(player, "40.00")
    assert (str(withdrawal.fee), str(withdrawal.charged), held(player)) == ("1.90", "0.00", "40.00")
    approve(withdrawal)
    send_due(actor=ACTOR, at=AT)
    assert now(withdrawal) == ("paid", "38.10", "1.90", "0.00")
    (paid, *_) = list_transactions(player)
    assert entries(paid.id) == {"held": [-3810, -190], "payments": [3810], "fees": [190]}
    assert (str(paid.fee), held(player), real(player)) == ("1.90", "0.00", "60.00")
    (told,) = events(player, "withdrawal-paid")
    assert (told.payload["amount"], told.payload["fee"], told.payload["returned"]) == ("38.10", "1.90", "0.00")


def test_what_was_quoted_stands(player: UUID) -> None:
    rule = charge(FeeKind.WITHDRAWAL, fixed=100)
    withdrawal = withdraw(player, "40.00")
    rule.fixed_minor = 900
    rule.save()
    approve(withdrawal)
    send_due(actor=ACTOR, at=AT)
    assert now(withdrawal) == ("paid", "39.00", "1.00", "0.00")


def test_a_withdrawal_must_be_more_than_its_fee(player: UUID) -> None:
    charge(FeeKind.WITHDRAWAL, fixed=500)
    with pytest.raises(FieldErrors, match=r"5\.00"):
        withdraw(player, "5.00")


def test_nothing_is_charged_for_what_is_refused_or_fails(player: UUID) -> None:
    charge(FeeKind.WITHDRAWAL, fixed=100)
    refused = withdraw(player, "60.00", key="w1")
    reject_withdrawal(withdrawal_id=refused.id, reason="no", actor=ACTOR, at=AT)
    failing = sent(withdraw(player, "60.00", key="w2"))
    notice(failing, PaymentState.FAILED)
    assert now(failing) == ("failed", "0.00", "0.00", "60.00")
    assert (real(player), house(AccountKind.FEES)) == ("100.00", "0.00")


def sent(withdrawal: WithdrawalDetails) -> WithdrawalDetails:
    """Handed to a provider that has not answered."""
    approve(withdrawal)
    for payout in list_payouts(withdrawal.id):
        _hand_over(payout.id, ACTOR, AT)
    return withdrawal


def test_of_a_payment_in_part_the_fee_is_taken_in_part(player: UUID) -> None:
    charge(FeeKind.WITHDRAWAL, percent="10")
    withdrawal = sent(withdraw(player, "50.00"))
    notice(withdrawal, PaymentState.MADE, "30.01")  # of 45.00
    assert now(withdrawal) == ("paid", "30.01", "3.33", "16.66")
    assert (real(player), held(player), house(AccountKind.FEES)) == ("66.66", "0.00", "3.33")


def test_a_payment_that_comes_back_gives_its_fee_back(player: UUID) -> None:
    charge(FeeKind.WITHDRAWAL, percent="10")
    withdrawal = sent(withdraw(player, "50.00"))
    notice(withdrawal, PaymentState.MADE)
    assert (real(player), house(AccountKind.FEES)) == ("50.00", "5.00")
    notice(withdrawal, PaymentState.RETURNED)
    assert now(withdrawal) == ("failed", "0.00", "0.00", "50.00")
    assert (real(player), house(AccountKind.FEES)) == ("100.00", "0.00")
    (told,) = events(player, "payout-returned")
    assert (told.payload["amount"], told.payload["fee"]) == ("45.00", "5.00")


def test_approved_in_part_the_fee_is_a_part(player: UUID) -> None:
    charge(FeeKind.WITHDRAWAL, fixed=300)
    pay_in(player, "400.00")
    withdrawal = withdraw(player, "300.00")
    approve_withdrawal(withdrawal_id=withdrawal.id, amount=eur("100.00"), actor=ACTOR, at=AT)
    send_due(actor=ACTOR, at=AT)
    assert now(withdrawal) == ("paid", "99.00", "1.00", "200.00")


def test_split_over_instruments_each_bears_its_part_and_one_coming_back_only_its_own(player: UUID) -> None:
    charge(FeeKind.WITHDRAWAL, fixed=100)
    other = make_player().id
    pay_in(other, "20.00", "tok_ok~a")
    pay_in(other, "10.00", "tok_ok~b")
    withdrawal = withdraw(other, "30.00", "tok_ok~a")
    sent(withdrawal)
    payouts = list_payouts(withdrawal.id)
    assert [(str(row.amount), str(row.fee)) for row in payouts] == [("20.00", "0.67"), ("10.00", "0.33")]
    for number in range(2):
        notice(withdrawal, PaymentState.MADE, number=number)
    assert now(withdrawal) == ("paid", "29.00", "1.00", "0.00")
    notice(withdrawal, PaymentState.RETURNED, number=1)
    assert now(withdrawal) == ("paid", "19.33", "0.67", "10.00")
    assert (real(other), house(AccountKind.FEES)) == ("10.00", "0.67")


def test_rules_by_method_and_time(player: UUID) -> None:
    charge(FeeKind.WITHDRAWAL, fixed=100)
    charge(FeeKind.WITHDRAWAL, fixed=700, method="bank")
    charge(FeeKind.WITHDRAWAL, fixed=900, active=False)
    id_ = instrument(player).id

    def fee(days: int = 0) -> str:
        at = AT + timedelta(days=days)
        return str(quote_withdrawal(player_id=player, amount=eur("40.00"), instrument_id=id_, at=at).fee)

    assert fee() == "1.00"
    assert fee(-1) == "0.00"
