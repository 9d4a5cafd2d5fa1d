"""Unfinished or refused verification: the money goes back to what paid it in (rule 9)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from compliance.selectors_kyc import get_case
from compliance.services.kyc_funds import return_due
from compliance.types_kyc import Funds, Trigger
from tests.compliance.test_kyc_cases import accept_all, adult, open_for
from tests.factories import ACTOR, AT, fund
from wallet.selectors import get_balances, list_instruments, list_withdrawals
from wallet.services.payment_sending import send_due
from wallet.services.withdrawal_decisions import approve_withdrawal
from wallet.services.withdrawal_money import WithdrawalRefused
from wallet.services.withdrawals import request_withdrawal

pytestmark = [pytest.mark.rule(9), pytest.mark.django_db]
DUE = AT + timedelta(days=30)


def test_what_is_not_finished_in_time_goes_back_to_its_origin() -> None:
    player = adult()
    fund(player.id, "80.00")
    case = open_for(player.id, Trigger.THRESHOLD, locks_funds=True, due_at=DUE)
    return_due(actor=ACTOR, at=DUE - timedelta(seconds=1))
    assert (get_case(case.id).funds, list_withdrawals(player.id)) == (Funds.LOCKED, [])

    assert return_due(actor=ACTOR, at=DUE) == 0
    (payout,) = list_withdrawals(player.id)
    assert str(payout.amount) == "80.00"
    with pytest.raises(WithdrawalRefused):  # the player asks for nothing meanwhile
        request_withdrawal(
            player_id=player.id,
            amount=payout.amount,
            instrument_id=list_instruments(player.id)[0].id,
            source="test",
            idempotency_key="own",
            actor=ACTOR,
            at=DUE,
        )
    assert return_due(actor=ACTOR, at=DUE) == 0  # it is on its way: asked for once
    assert len(list_withdrawals(player.id)) == 1
    approve_withdrawal(withdrawal_id=payout.id, actor=ACTOR, at=DUE)
    send_due(actor=ACTOR, at=DUE + timedelta(days=1))
    assert get_balances(player.id).real.amount_minor == 0
    assert return_due(actor=ACTOR, at=DUE + timedelta(days=1)) == 1
    assert get_case(case.id).funds is Funds.REFUNDED


def test_who_finishes_before_it_is_sent_keeps_the_money() -> None:
    player = adult()
    case = open_for(player.id, Trigger.THRESHOLD, locks_funds=True, due_at=DUE)
    fund(player.id, "80.00")
    assert accept_all(case, at=DUE).funds is Funds.FREE
    assert return_due(actor=ACTOR, at=DUE) == 0
    assert list_withdrawals(player.id) == []
