"""How deposits end otherwise: given up by the player, taken back in parts."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.money import Money
from players.selectors import list_restrictions
from players.services.restrictions import lift
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, make_game, make_player
from tests.wallet.payments import eur, pay_in, real, told
from wallet.ports import Direction, PaymentAnswer, PaymentOrder, PaymentState, ProviderUnavailable
from wallet.providers.sandbox import SandboxProvider
from wallet.rules import given_back, taken_back
from wallet.selectors import get_deposit, list_instruments, list_provider_messages, sum_house
from wallet.services.deposits import DepositMoved, cancel_deposit, chase_pending
from wallet.services.payment_notices import receive_notice
from wallet.services.verification import verify
from wallet.types import AccountKind
from wallet.types_payments import DepositState

SANDBOX = SandboxProvider()


def say(
    deposit_id: UUID, state: PaymentState, amount: str = "", reason: str = "", number: int = 1, *, so_far: bool = False
) -> None:
    answer = PaymentAnswer(state, "ref", reason, eur(amount) if amount else None)
    headers, body = SANDBOX.webhook(Direction.IN, deposit_id, answer, AT, number)
    receive_notice(provider="sandbox", headers=headers, body=body, at=AT)


def cancel(deposit_id: UUID) -> str:
    try:
        return str(cancel_deposit(deposit_id=deposit_id, actor=ACTOR, at=AT).state)
    except DepositMoved as error:
        return error.code


@pytest.mark.usefixtures("db")
class TestCancelling:
    def test_the_provider_gives_it_up_and_again_is_the_same_as_once(self) -> None:
        player = make_player()
        deposit = pay_in(player.id, token="tok_pending")
        assert [cancel(deposit.id) for _ in range(3)] == ["cancelled"] * 3
        assert told(player.id) == ["deposit-requested", "deposit-pending", "deposit-cancelled"]
        assert [row.call for row in list_provider_messages([deposit.id])] == ["authorise", "cancel"]
        assert chase_pending(actor=ACTOR, at=AT + timedelta(hours=1)) == 0
        assert real(player.id) == "0.00"
        with pytest.raises(NotFound):
            cancel(uuid7())

    def test_without_an_answer_it_is_cancelled_here_and_a_late_made_is_credited(self) -> None:
        player = make_player()
        deposit = pay_in(player.id, token="tok_lost")
        assert cancel(deposit.id) == "cancelled"
        assert get_deposit(deposit.id).failure_reason == "cancelled_by_player"
        say(deposit.id, PaymentState.MADE)
        assert (get_deposit(deposit.id).state, real(player.id)) == (DepositState.MADE, "100.00")
        assert cancel(deposit.id) == "deposit_moved"

    def test_money_that_was_taken_already_is_credited_and_not_cancelled(self) -> None:
        player = make_player()
        deposit = pay_in(player.id, token="tok_timeout")  # taken, but the answer was lost
        assert deposit.state is DepositState.PENDING
        assert cancel(deposit.id) == "deposit_moved"
        assert real(player.id) == "100.00"

    def test_what_was_reserved_meanwhile_is_given_up_and_not_captured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        player = make_player()
        calls: list[str] = []

        def authorise(self: SandboxProvider, order: PaymentOrder) -> PaymentAnswer:
            cancel(order.payment_id)  # the player is quicker than the provider's answer
            return PaymentAnswer(PaymentState.AUTHORISED, "ref")

        def note(self: SandboxProvider, order: PaymentOrder) -> PaymentAnswer:
            calls.append("cancel")
            return PaymentAnswer(PaymentState.CANCELLED, "ref")

        monkeypatch.setattr(SandboxProvider, "authorise", authorise)
        monkeypatch.setattr(SandboxProvider, "cancel", note)
        deposit = pay_in(player.id, token="tok_authorise")
        assert (deposit.state, calls) == (DepositState.CANCELLED, ["cancel", "cancel"])
        assert real(player.id) == "0.00"

    def test_a_failed_one_stays_failed_and_a_made_one_made(self) -> None:
        player = make_player()
        assert cancel(pay_in(player.id, token="tok_decline").id) == "failed"
        assert cancel(pay_in(player.id).id) == "deposit_moved"
        assert real(player.id) == "100.00"

    def test_cancelled_and_made_at_once_the_money_is_never_lost(self) -> None:
        players = [make_player().id for _ in range(6)]
        deposits = [pay_in(player_id, token="tok_pending").id for player_id in players]
        in_parallel(
            [
                call
                for deposit_id in deposits
                for call in (lambda d=deposit_id: cancel(d), lambda d=deposit_id: say(d, PaymentState.MADE))
            ],
            8,
        )
        assert Counter(get_deposit(deposit_id).state for deposit_id in deposits) == {DepositState.MADE: 6}
        assert [real(player_id) for player_id in players] == ["100.00"] * 6

    def test_a_provider_that_is_down_keeps_nobody_from_cancelling(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(self: SandboxProvider, order: PaymentOrder) -> PaymentAnswer:
            raise ProviderUnavailable("away")

        deposit = pay_in(make_player().id, token="tok_pending")
        monkeypatch.setattr(SandboxProvider, "cancel", away)
        assert cancel(deposit.id) == "cancelled"


@pytest.mark.usefixtures("db")
class TestTakenBackInParts:
    def test_several_chargebacks_take_what_each_says_and_never_more_than_was_paid(self) -> None:
        player = make_player()
        deposit = pay_in(player.id)
        pay_in(player.id, "50.00")
        for number, amount in enumerate(("30.00", "30.00", "25.00", "99.00", "1.00"), 1):
            say(deposit.id, PaymentState.CHARGED_BACK, amount, "fraudulent", number)
        found = get_deposit(deposit.id)
        assert (found.state, str(found.taken_back), real(player.id)) == (DepositState.CHARGED_BACK, "100.00", "50.00")
        assert told(player.id).count("deposit-charged-back") == 4  # the last one is no news: nothing is left
        assert sum_house(AccountKind.PAYMENTS)["EUR"] == eur("-50.00")
        assert list_instruments(player.id)[0].paid_in == eur("50.00")

    def test_the_copy_of_a_notice_takes_nothing(self) -> None:
        player = make_player()
        deposit = pay_in(player.id)
        for _ in range(3):
            say(deposit.id, PaymentState.CHARGED_BACK, "10.00", "fraudulent")
        assert real(player.id) == "90.00"

    def test_each_chargeback_holds_withdrawals_anew(self) -> None:
        player = make_player()
        deposit = pay_in(player.id)
        say(deposit.id, PaymentState.CHARGED_BACK, "10.00", "fraudulent", 1)
        (hold,) = list_restrictions(player.id)
        lift(restriction_id=hold.id, reason="explained", actor=ACTOR, at=AT)
        say(deposit.id, PaymentState.CHARGED_BACK, "10.00", "fraudulent", 2)
        assert len(list_restrictions(player.id)) == 2

    def test_what_was_spent_is_the_houses_loss_part_by_part(self) -> None:
        make_game()
        player = make_player()
        deposit = pay_in(player.id)
        bet(player.id, "70.00")
        say(deposit.id, PaymentState.CHARGED_BACK, "20.00", "fraudulent", 1)
        say(deposit.id, PaymentState.CHARGED_BACK, "20.00", "fraudulent", 2)
        say(deposit.id, PaymentState.CHARGED_BACK, "", "fraudulent", 3)  # no amount: what is left of it
        assert (real(player.id), sum_house(AccountKind.CHARGEBACKS)["EUR"]) == ("0.00", eur("-70.00"))


def reinstate(deposit_id: UUID, amount: str = "", number: int = 1) -> None:
    say(deposit_id, PaymentState.REINSTATED, amount, "dispute_won", number)


@pytest.mark.usefixtures("db")
class TestWonDisputes:
    def test_what_was_taken_is_given_back_once(self) -> None:
        player = make_player()
        deposit = pay_in(player.id)
        say(deposit.id, PaymentState.CHARGED_BACK, "", "fraudulent")
        for number in (1, 1, 2):  # a copy, then another notice that is no news
            reinstate(deposit.id, "100.00", number)
        found = get_deposit(deposit.id)
        assert (found.state, str(found.taken_back), real(player.id)) == (DepositState.REINSTATED, "0.00", "100.00")
        assert told(player.id)[-2:] == ["deposit-charged-back", "deposit-reinstated"]
        assert list_instruments(player.id)[0].paid_in == eur("100.00")
        assert sum_house(AccountKind.PAYMENTS)["EUR"] == eur("-100.00")
        assert len(list_restrictions(player.id)) == 1  # a person lifts the hold
        assert [finding for finding in verify() if finding.broken] == []

    def test_a_part_leaves_it_charged_back(self) -> None:
        player = make_player()
        deposit = pay_in(player.id)
        say(deposit.id, PaymentState.CHARGED_BACK, "60.00", "fraudulent", 1)
        reinstate(deposit.id, "20.00", 1)
        assert (get_deposit(deposit.id).state, real(player.id)) == (DepositState.CHARGED_BACK, "60.00")
        reinstate(deposit.id, "99.00", 2)  # never more than was taken
        assert (get_deposit(deposit.id).state, real(player.id)) == (DepositState.REINSTATED, "100.00")

    def test_the_player_gets_what_was_theirs_and_the_house_what_it_lost(self) -> None:
        make_game()
        player = make_player()
        deposit = pay_in(player.id)
        bet(player.id, "70.00")
        say(deposit.id, PaymentState.CHARGED_BACK, "", "fraudulent")
        assert (real(player.id), sum_house(AccountKind.CHARGEBACKS)["EUR"]) == ("0.00", eur("-70.00"))
        reinstate(deposit.id)
        assert (real(player.id), sum_house(AccountKind.CHARGEBACKS)["EUR"]) == ("30.00", eur("0.00"))

    def test_it_may_be_charged_back_again(self) -> None:
        player = make_player()
        deposit = pay_in(player.id)
        for number in (1, 2):
            say(deposit.id, PaymentState.CHARGED_BACK, "100.00", "fraudulent", number)
            assert (get_deposit(deposit.id).state, real(player.id)) == (DepositState.CHARGED_BACK, "0.00")
            reinstate(deposit.id, "100.00", number)
            assert real(player.id) == "100.00"
        say(deposit.id, PaymentState.MADE, "100.00", "", 9)  # late news of what is known credits nothing
        assert real(player.id) == "100.00"

    def test_what_was_never_taken_is_not_given_back(self) -> None:
        player = make_player()
        deposit = pay_in(player.id)
        reinstate(deposit.id, "100.00")
        assert (get_deposit(deposit.id).state, real(player.id)) == (DepositState.MADE, "100.00")

    def test_told_twenty_times_at_once_it_is_one(self) -> None:
        player = make_player()
        deposit = pay_in(player.id)
        say(deposit.id, PaymentState.CHARGED_BACK, "", "fraudulent")
        in_parallel([lambda: reinstate(deposit.id, "100.00")] * 20, 8)
        assert real(player.id) == "100.00"


def test_refunds_of_our_own_stay_taken_when_a_dispute_is_won() -> None:
    assert given_back(eur("80.00"), eur("30.00"), None) == eur("50.00")
    assert given_back(eur("80.00"), eur("30.00"), eur("60.00")) == eur("50.00")
    assert given_back(eur("30.00"), eur("30.00"), eur("60.00")) == eur("0.00")


@given(st.lists(st.integers(1, 12_000), max_size=8), st.randoms())
def test_refunds_that_are_counted_so_far_sum_up_in_any_order(parts: list[int], random: object) -> None:
    """However notices are shuffled and repeated, the end is the largest sum that was named, at most the deposit."""
    totals = [sum(parts[: n + 1]) for n in range(len(parts))]
    shuffled = totals * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    whole, taken = Money(10_000, "EUR"), Money.zero("EUR")
    for said in shuffled:
        now = taken_back(whole, taken, taken, Money(said, "EUR"), so_far=True)
        assert now.amount_minor >= 0
        taken += now
    assert taken == min(Money(max(totals, default=0), "EUR"), whole)
