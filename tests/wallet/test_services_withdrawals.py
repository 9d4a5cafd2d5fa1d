"""Withdrawals: set aside at once, decided, sent once, and settled by what the provider says."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors, IdempotencyConflict, NotFound
from kernel.ids import uuid7
from kernel.money import Money
from players.services.labels import set_label
from players.services.restrictions import impose, lift
from players.types import RestrictionKind
from tests.factories import ACTOR, AT, bet, make_game, make_player
from tests.wallet.payments import eur, held, instrument, pay_in, real, told, withdraw
from wallet.models_payments import ApprovalRule, Withdrawal, WithdrawalPolicy
from wallet.ports import PaymentAnswer, PaymentState
from wallet.providers.sandbox import SandboxProvider, switch_fault
from wallet.selectors import (
    get_instrument,
    get_withdrawal,
    list_instruments,
    list_payouts,
    list_provider_messages,
    sum_house,
)
from wallet.services.payment_sending import send_due, settle_payout
from wallet.services.verification import verify
from wallet.services.withdrawal_claims import ClaimedByAnother, claim_next, claim_withdrawal, release_withdrawal
from wallet.services.withdrawal_decisions import ClosedLoopBroken, approve_withdrawal, reject_withdrawal
from wallet.services.withdrawal_money import InsufficientFunds, WithdrawalMoved, WithdrawalRefused
from wallet.services.withdrawals import cancel_withdrawal, request_withdrawal
from wallet.types import AccountKind
from wallet.types_payments import PayoutState, WithdrawalDetails, WithdrawalState

pytestmark = pytest.mark.usefixtures("db")

PAYER = frozenset({"wallet.approve_withdrawal"})
ANN = Actor(ActorKind.STAFF, "1", PAYER)
BOB = Actor(ActorKind.STAFF, "2", PAYER)
LATER = AT + timedelta(hours=2)


def funded(amount: str = "100.00", token: str = "tok_ok", **player: object) -> UUID:
    player_id = make_player(**player).id  # type: ignore[arg-type]
    pay_in(player_id, amount, token)
    return player_id


def approve(withdrawal: WithdrawalDetails, **more: object) -> WithdrawalDetails:
    return approve_withdrawal(withdrawal_id=withdrawal.id, actor=ANN, at=AT, **more)  # type: ignore[arg-type]


def send(at: object = AT) -> int:
    return send_due(actor=ACTOR, at=at)  # type: ignore[arg-type]


def state(withdrawal: WithdrawalDetails) -> WithdrawalState:
    return get_withdrawal(withdrawal.id).state


# --- asking --------------------------------------------------------------------------------------------------------


def test_the_money_is_set_aside_at_once() -> None:
    player_id = funded()
    asked = withdraw(player_id)
    assert asked.state is WithdrawalState.IN_REVIEW
    assert (real(player_id), held(player_id)) == ("60.00", "40.00")
    assert told(player_id)[-2:] == ["withdrawal-requested", "withdrawal-review-needed"]


def test_money_set_aside_cannot_be_played() -> None:
    make_game()
    player_id = funded()
    withdraw(player_id, "90.00")
    assert bet(player_id, "10.01").reason == "insufficient_funds"
    assert bet(player_id, "10.00").ok


def test_more_than_the_real_money_is_refused_and_leaves_nothing() -> None:
    player_id = funded()
    with pytest.raises(InsufficientFunds):
        withdraw(player_id, "100.01")
    assert told(player_id) == ["deposit-requested", "deposit-made"]
    assert withdraw(player_id, "100.00").amount == eur("100.00")


def test_the_same_key_is_the_same_withdrawal() -> None:
    player_id = funded()
    assert withdraw(player_id) == withdraw(player_id)
    assert held(player_id) == "40.00"
    with pytest.raises(IdempotencyConflict):
        withdraw(player_id, "41.00")


def test_who_may_not_be_paid_is_refused_without_saying_too_much() -> None:
    player_id = funded()
    impose(player_id=player_id, kind=RestrictionKind.AML_HOLD, reason="x", source="staff", actor=ACTOR, at=AT)
    with pytest.raises(WithdrawalRefused) as caught:
        withdraw(player_id)
    assert (caught.value.data["reason"], caught.value.data["details"]) == ("account_hold", {})
    assert "aml" not in caught.value.detail
    assert held(player_id) == "0.00"


def test_only_the_players_own_instruments_are_paid_to() -> None:
    player_id, other = funded(), funded()
    with pytest.raises(FieldErrors) as caught:
        request_withdrawal(
            player_id=player_id,
            amount=eur("1.00"),
            instrument_id=instrument(other).id,
            source="test",
            idempotency_key="x",
            actor=ACTOR,
            at=AT,
        )
    assert list(caught.value.errors) == ["instrument_id"]


@pytest.mark.parametrize(
    ("field", "amount"), [("amount", eur("0.00")), ("amount", eur("-1.00")), ("currency", Money(5, "USD"))]
)
def test_bad_input_names_its_field(field: str, amount: Money) -> None:
    player_id = funded()
    with pytest.raises(FieldErrors) as caught:
        request_withdrawal(
            player_id=player_id,
            amount=amount,
            instrument_id=instrument(player_id).id,
            source="test",
            idempotency_key="x",
            actor=ACTOR,
            at=AT,
        )
    assert list(caught.value.errors) == [field]


# --- deciding ------------------------------------------------------------------------------------------------------


def test_a_rule_for_the_level_spares_the_review() -> None:
    ApprovalRule.objects.filter(level="gold").update(max_score=100)
    player_id = funded()
    set_label(player_id=player_id, namespace="loyalty", key="level", value="gold", at=AT)
    asked = withdraw(player_id)
    assert (asked.state, asked.automatic, asked.level) == (WithdrawalState.APPROVED, True, "gold")
    assert told(player_id)[-2:] == ["withdrawal-requested", "withdrawal-approved"]
    assert withdraw(funded()).state is WithdrawalState.IN_REVIEW  # nobody's level


def test_reasons_are_kept_with_the_score() -> None:
    asked = withdraw(funded())
    codes = {reason.code for reason in asked.reasons}
    assert codes == {"new_instrument", "not_played", "first_withdrawal", "unverified"}
    assert asked.score == sum(reason.points for reason in asked.reasons) == 90


def test_a_card_that_another_player_uses_is_a_reason() -> None:
    funded(token="tok_ok~1")
    player_id = funded(token="tok_ok~1")
    assert "shared_instrument" in {reason.code for reason in withdraw(player_id, token="tok_ok~1").reasons}
    other = funded(token="tok_ok~2")
    assert "shared_instrument" not in {reason.code for reason in withdraw(other, token="tok_ok~2").reasons}


def test_two_people_never_decide_one_withdrawal() -> None:
    asked = withdraw(funded())
    approve(asked)
    with pytest.raises(WithdrawalMoved):
        approve(asked)
    assert len(list_payouts(asked.id)) == 1


def test_a_rejected_withdrawal_gives_the_money_back_and_keeps_the_reason() -> None:
    player_id = funded()
    asked = withdraw(player_id)
    with pytest.raises(FieldErrors):
        reject_withdrawal(withdrawal_id=asked.id, reason=" ", actor=ANN, at=AT)
    with pytest.raises(FieldErrors):
        reject_withdrawal(withdrawal_id=asked.id, reason="card 4111 1111 1111 1111", actor=ANN, at=AT)
    rejected = reject_withdrawal(withdrawal_id=asked.id, reason="Not the player's card", actor=ANN, at=AT)
    assert (rejected.state, rejected.decision_reason) == (WithdrawalState.REJECTED, "Not the player's card")
    assert (real(player_id), held(player_id)) == ("100.00", "0.00")
    assert told(player_id)[-1] == "withdrawal-rejected"


def test_a_part_can_be_approved_and_the_rest_goes_back() -> None:
    player_id = funded()
    asked = withdraw(player_id)
    approved = approve(asked, amount=eur("15.00"))
    assert (approved.approved, approved.returned) == (eur("15.00"), eur("25.00"))
    assert (real(player_id), held(player_id)) == ("85.00", "15.00")
    send()
    assert (state(asked), held(player_id)) == (WithdrawalState.PAID, "0.00")


@pytest.mark.parametrize("amount", [eur("40.01"), eur("0.00"), Money(100, "USD")])
def test_no_more_than_asked_for_is_approved(amount: Money) -> None:
    asked = withdraw(funded())
    with pytest.raises(FieldErrors):
        approve(asked, amount=amount)
    assert state(asked) is WithdrawalState.IN_REVIEW


def test_money_goes_back_to_what_paid_in_before_it_goes_elsewhere() -> None:
    player_id = funded("30.00", "tok_ok~a")
    pay_in(player_id, "20.00", "tok_ok~b")
    bank = instrument(player_id, "tok_ok~bank")
    asked = withdraw(player_id, "50.00", "tok_ok~bank")
    approve(asked)
    parts = {get_instrument(row.instrument_id).id: str(row.amount) for row in list_payouts(asked.id)}
    first, second = (row.id for row in list_instruments(player_id) if row.id != bank.id)
    assert parts == {first: "30.00", second: "20.00"}
    send()
    assert [str(row.owed_back) for row in list_instruments(player_id)] == ["0.00", "0.00", "0.00"]


def test_winnings_beyond_the_deposits_go_to_the_preferred_instrument() -> None:
    player_id = funded("30.00", "tok_ok~a")
    asked = withdraw(player_id, "20.00", "tok_ok~a")
    approve(asked)
    send()
    pay_in(player_id, "50.00", "tok_ok~a", key="again")
    asked = withdraw(player_id, "60.00", "tok_ok~bank", key="w2")
    approve(asked)
    # 80.00 paid in, 20.00 paid back: all of this one is still owed to the card.
    assert [str(row.amount) for row in list_payouts(asked.id)] == ["60.00"]


def test_a_split_by_hand_must_add_up_and_keep_the_loop_closed() -> None:
    player_id = funded("30.00", "tok_ok~a")
    pay_in(player_id, "20.00", "tok_ok~b")
    a, b = list_instruments(player_id)
    asked = withdraw(player_id, "50.00", "tok_ok~a")
    with pytest.raises(FieldErrors):
        approve(asked, split=[(a.id, eur("30.00")), (b.id, eur("19.00"))])
    with pytest.raises(FieldErrors):
        approve(asked, split=[(a.id, eur("25.00")), (a.id, eur("25.00"))])
    with pytest.raises(FieldErrors):
        approve(asked, split=[(instrument(funded()).id, eur("50.00"))])
    with pytest.raises(ClosedLoopBroken):
        approve(asked, split=[(a.id, eur("50.00"))])
    approve(asked, split=[(a.id, eur("30.00")), (b.id, eur("20.00"))])
    send()
    assert [row.state for row in list_payouts(asked.id)] == [PayoutState.PAID, PayoutState.PAID]
    assert told(player_id).count("withdrawal-paid") == 1


# --- cancelling and cooling ------------------------------------------------------------------------------------------


def test_the_player_may_take_it_back_until_it_is_sent() -> None:
    player_id = funded()
    asked = withdraw(player_id)
    approve(asked)
    cancelled = cancel_withdrawal(withdrawal_id=asked.id, actor=ACTOR, at=AT)
    assert cancelled == cancel_withdrawal(withdrawal_id=asked.id, actor=ACTOR, at=AT)
    assert (real(player_id), held(player_id)) == ("100.00", "0.00")
    assert send() == 0
    assert told(player_id).count("withdrawal-cancelled") == 1
    assert list_instruments(player_id)[0].owed_back == eur("100.00")
    sent = withdraw(player_id, key="w2")
    approve(sent)
    send()
    with pytest.raises(WithdrawalMoved):
        cancel_withdrawal(withdrawal_id=sent.id, actor=ACTOR, at=AT)


def test_it_is_not_sent_before_it_has_cooled_down() -> None:
    WithdrawalPolicy.objects.filter(country="").update(cooling_minutes=60)
    asked = withdraw(funded())
    approve(asked)
    assert send(AT + timedelta(minutes=59)) == 0
    assert state(asked) is WithdrawalState.APPROVED
    assert send(AT + timedelta(minutes=60)) == 1
    assert state(asked) is WithdrawalState.PAID


# --- sending ---------------------------------------------------------------------------------------------------------


def test_a_paid_withdrawal_leaves_the_house() -> None:
    player_id = funded()
    asked = withdraw(player_id)
    approve(asked)
    assert send() == 1
    paid = get_withdrawal(asked.id)
    assert (paid.state, paid.paid, paid.returned) == (WithdrawalState.PAID, eur("40.00"), eur("0.00"))
    assert (real(player_id), held(player_id)) == ("60.00", "0.00")
    assert sum_house(AccountKind.PAYMENTS)["EUR"] == eur("-60.00")
    assert told(player_id)[-4:] == [
        "withdrawal-review-needed",
        "withdrawal-approved",
        "withdrawal-sent",
        "withdrawal-paid",
    ]
    assert send(LATER) == 0


@pytest.mark.parametrize("token", ["tok_payout_pending", "tok_payout_timeout"])
def test_a_payout_without_an_answer_is_asked_about_until_it_is_known(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    player_id = funded(token=token)
    asked = withdraw(player_id, token=token)
    approve(asked)
    send()
    assert (state(asked), held(player_id)) == (WithdrawalState.SENT, "40.00")
    assert send(AT + timedelta(seconds=30)) == 0
    monkeypatch.setattr(SandboxProvider, "payout", lambda self, order: self._answer(order, PaymentState.MADE))
    assert send(LATER) == 1
    assert (state(asked), held(player_id)) == (WithdrawalState.PAID, "0.00")


def test_a_declined_payout_gives_the_money_back() -> None:
    player_id = funded(token="tok_payout_decline")
    asked = withdraw(player_id, token="tok_payout_decline")
    approve(asked)
    send()
    failed = get_withdrawal(asked.id)
    assert (failed.state, failed.failure_reason) == (WithdrawalState.FAILED, "account_closed")
    assert (real(player_id), held(player_id)) == ("100.00", "0.00")
    assert told(player_id)[-1] == "withdrawal-failed"
    assert list_instruments(player_id)[0].owed_back == eur("100.00")


def test_what_the_provider_did_not_pay_goes_back() -> None:
    player_id = funded(token="tok_payout_partial")
    asked = withdraw(player_id, token="tok_payout_partial")
    approve(asked)
    send()
    paid = get_withdrawal(asked.id)
    assert (paid.state, paid.paid, paid.returned) == (WithdrawalState.PAID, eur("20.00"), eur("20.00"))
    assert (real(player_id), held(player_id)) == ("80.00", "0.00")
    assert str(list_instruments(player_id)[0].owed_back) == "80.00"


def test_one_of_two_payouts_may_fail() -> None:
    player_id = funded("30.00", "tok_ok~a")
    pay_in(player_id, "20.00", "tok_payout_decline~b")
    asked = withdraw(player_id, "50.00", "tok_ok~a")
    approve(asked)
    send()
    paid = get_withdrawal(asked.id)
    assert (paid.state, paid.paid, paid.returned) == (WithdrawalState.PAID, eur("30.00"), eur("20.00"))
    assert real(player_id) == "20.00"


def test_a_payout_that_comes_back_is_the_players_again() -> None:
    player_id = funded()
    asked = withdraw(player_id)
    approve(asked)
    send()
    payout = list_payouts(asked.id)[0]
    for _ in range(2):
        back = PaymentAnswer(PaymentState.RETURNED, payout.provider_reference, "account_closed")
        settle_payout(payout_id=payout.id, answer=back, notice_id="evt_back", actor=ACTOR, at=LATER)
    assert state(asked) is WithdrawalState.FAILED
    assert real(player_id) == "100.00"
    assert told(player_id)[-2:] == ["payout-returned", "withdrawal-failed"]
    assert sum_house(AccountKind.PAYMENTS)["EUR"] == eur("-100.00")


def test_a_hold_that_comes_after_the_approval_stops_the_payout() -> None:
    player_id = funded()
    asked = withdraw(player_id)
    approve(asked)
    hold = impose(
        player_id=player_id, kind=RestrictionKind.WITHDRAWAL_HOLD, reason="x", source="staff", actor=ACTOR, at=AT
    )
    send()
    assert (state(asked), held(player_id)) == (WithdrawalState.APPROVED, "40.00")
    lift(restriction_id=hold, reason="cleared", actor=ACTOR, at=AT)
    send(LATER)
    assert state(asked) is WithdrawalState.PAID


def test_a_payout_whose_key_the_provider_has_forgotten_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    player_id = funded()
    asked = withdraw(player_id)
    approve(asked)
    switch_fault("timeout")
    send()
    switch_fault(None)
    monkeypatch.setattr(SandboxProvider, "keys_kept", timedelta(hours=1))
    monkeypatch.setattr(SandboxProvider, "payout", lambda *_: pytest.fail("paid twice"))
    monkeypatch.setattr(SandboxProvider, "status", lambda *_: PaymentAnswer(PaymentState.UNKNOWN))
    assert send(LATER) == 1
    assert state(asked) is WithdrawalState.SENT


def test_the_dialogue_is_kept() -> None:
    asked = withdraw(funded())
    approve(asked)
    send()
    payout = list_payouts(asked.id)[0]
    said = list_provider_messages([payout.id])
    assert [(row.call, row.answer, row.reference) for row in said] == [("payout", "made", f"sbx_{payout.id.hex}")]


# --- claiming --------------------------------------------------------------------------------------------------------


def test_what_one_has_claimed_another_neither_gets_nor_decides() -> None:
    first, second = withdraw(funded()), withdraw(funded(), key="w2", at=AT + timedelta(minutes=1))
    assert claim_next(actor=ANN, at=LATER) == first.id
    assert claim_next(actor=BOB, at=LATER) == second.id
    assert claim_next(actor=Actor(ActorKind.STAFF, "3", PAYER), at=LATER) is None
    with pytest.raises(ClaimedByAnother):
        approve_withdrawal(withdrawal_id=first.id, actor=BOB, at=LATER)
    with pytest.raises(ClaimedByAnother):
        reject_withdrawal(withdrawal_id=first.id, reason="x", actor=BOB, at=LATER)
    release_withdrawal(withdrawal_id=first.id, actor=ANN, at=LATER)
    claim_withdrawal(withdrawal_id=first.id, actor=BOB, at=LATER)
    claim_withdrawal(withdrawal_id=first.id, actor=ANN, at=LATER + timedelta(minutes=15))  # left behind
    approve_withdrawal(withdrawal_id=first.id, actor=ANN, at=LATER + timedelta(minutes=16))


def test_an_unknown_withdrawal() -> None:
    with pytest.raises(NotFound):
        approve_withdrawal(withdrawal_id=uuid7(), actor=ANN, at=AT)


# --- the ledger's check ----------------------------------------------------------------------------------------------

DAMAGE = [
    {"returned_minor": 1},  # set aside: 40.00, still open: 39.99
    {"state": "rejected"},  # ended, and the money is still set aside
    {"state": "paid", "paid_minor": 4000},  # said to be paid, and the ledger knows nothing of it
]


@pytest.mark.breaks_ledger
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_withdrawal_that_does_not_fit_the_ledger_is_found(damage: dict[str, object]) -> None:
    asked = withdraw(funded())
    withdraw(funded())
    assert not [finding for finding in verify() if finding.broken]
    Withdrawal.objects.filter(id=asked.id).update(**damage)
    broken = [finding for finding in verify() if finding.broken]
    assert [finding.check[:30] for finding in broken] == ["every player's held purse hold"]
    assert str(asked.player_id) in broken[0].examples[0] or str(asked.id) in broken[0].examples[0]
