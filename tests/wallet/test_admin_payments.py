"""The payments inbox: claim, decide, in bulk; everything is said before it is done."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from kernel import clock
from tests.factories import ACTOR, make_player
from tests.staff import staff_client, text_of
from tests.wallet.payments import instrument, pay_in, real
from wallet.models_payments import ApprovalRule
from wallet.selectors import get_withdrawal, list_payouts
from wallet.services.payment_sending import send_due
from wallet.services.withdrawals import request_withdrawal
from wallet.types_payments import WithdrawalDetails, WithdrawalState

pytestmark = pytest.mark.usefixtures("db")

INBOX = "admin:wallet_withdrawal_changelist"


@pytest.fixture
def ops(db: None) -> Client:
    return staff_client("operations")


def ask(amount: str = "40.00", *tokens: str) -> WithdrawalDetails:
    player = make_player()
    for token in tokens or ("tok_ok~a",):
        pay_in(player.id, "100.00", token, at=clock.now())
    return ask_again(player.id, amount, tokens[0] if tokens else "tok_ok~a")


def ask_again(player_id: UUID, amount: str, token: str = "tok_ok~a") -> WithdrawalDetails:
    from tests.wallet.payments import eur

    return request_withdrawal(
        player_id=player_id,
        amount=eur(amount),
        instrument_id=instrument(player_id, token, clock.now()).id,
        source="test",
        idempotency_key=f"{amount}-{player_id}",
        actor=ACTOR,
        at=clock.now(),
    )


def url(name: str, withdrawal: WithdrawalDetails) -> str:
    return reverse(f"admin:wallet_withdrawal_{name}", args=[withdrawal.id])


def state(withdrawal: WithdrawalDetails) -> WithdrawalState:
    return get_withdrawal(withdrawal.id).state


def parts(withdrawal: WithdrawalDetails, *amounts: str) -> dict[str, str]:
    from wallet.selectors import list_instruments

    rows = list_instruments(withdrawal.player_id)
    return {f"part_{row.id}": amount for row, amount in zip(rows, amounts, strict=True)}


def test_the_inbox_shows_what_waits(ops: Client) -> None:
    assert "Nothing to review" in text_of(ops.get(reverse(INBOX)))
    asked = ask()
    page = text_of(ops.get(reverse(INBOX)))
    for shown in (str(asked.id), "40.00", "New instrument", "Sandbox ••••", "To review (1)", "On their way (0)"):
        assert shown in page
    assert "Nothing on its way" in text_of(ops.get(reverse(INBOX), {"tab": "moving"}))
    assert str(asked.id) in text_of(ops.get(reverse(INBOX), {"q": str(asked.player_id)}))
    assert "Nothing found" in text_of(ops.get(reverse(INBOX), {"q": "nobody-at-all"}))


def test_a_page_says_why_it_waits_and_where_it_would_go(ops: Client) -> None:
    page = text_of(ops.get(url("change", ask())))
    for shown in ("90 of 100", "Staked 0.00 of 100.00 EUR", "Where it would go", "Claim", "Approve …", "Reject …"):
        assert shown in page


def test_approving_says_first_what_it_will_do(ops: Client) -> None:
    asked = ask()
    assert "Show what it will do" in text_of(ops.get(url("approve", asked)))
    form = {**parts(asked, "30.00"), "reason": "partly"}
    preview = text_of(ops.post(url("approve", asked), form))
    for shown in ("This is what will happen", "30.00", "goes back to the player", "Approve 30.00 EUR"):
        assert shown in preview
    assert state(asked) is WithdrawalState.IN_REVIEW
    ops.post(url("approve", asked), form | {"confirmed": "1"})
    assert get_withdrawal(asked.id).approved.amount_minor == 3000
    assert real(asked.player_id) == "70.00"
    send_due(actor=ACTOR, at=clock.now())
    page = text_of(ops.get(url("change", asked)))
    assert "Dialogue with the provider" in page
    assert "Approve …" not in page
    assert "operations-1" in page
    assert str(asked.id) in text_of(ops.get(reverse(INBOX), {"tab": "settled"}))


def test_a_split_over_two_instruments(ops: Client) -> None:
    asked = ask("150.00", "tok_ok~a", "tok_ok~b")
    ops.post(url("approve", asked), {**parts(asked, "100.00", "50.00"), "reason": "", "confirmed": "1"})
    assert [str(row.amount) for row in list_payouts(asked.id)] == ["100.00", "50.00"]


@pytest.mark.parametrize(
    ("amount", "said"),
    [("41.00", "at most 40.00"), ("", "more than nothing"), ("-1", "zero or more"), ("1,50", "decimal string")],
)
def test_a_wrong_amount_is_explained(ops: Client, amount: str, said: str) -> None:
    asked = ask()
    page = ops.post(url("approve", asked), {**parts(asked, amount), "reason": "", "confirmed": "1"})
    assert said in text_of(page)
    assert state(asked) is WithdrawalState.IN_REVIEW


def test_rejecting_wants_a_reason_without_card_numbers(ops: Client) -> None:
    asked = ask()
    assert "real money again at once" in text_of(ops.get(url("reject", asked)))
    for reason in ("", "card 4111 1111 1111 1111"):
        ops.post(url("reject", asked), {"reason": reason})
        assert state(asked) is WithdrawalState.IN_REVIEW
    ops.post(url("reject", asked), {"reason": "Not the player's card"})
    assert state(asked) is WithdrawalState.REJECTED
    assert "Not the player&#x27;s card" in text_of(ops.get(url("change", asked)))


def test_two_people_work_on_different_ones(ops: Client) -> None:
    first, second = ask(), ask()
    finance = staff_client("finance")
    assert ops.post(reverse("admin:wallet_withdrawal_next"))["Location"] == url("change", first)
    assert finance.post(reverse("admin:wallet_withdrawal_next"))["Location"] == url("change", second)
    page = text_of(finance.get(url("change", first)))
    assert "operations-1 works on it" in page
    assert "Approve …" not in page
    finance.post(url("approve", first), {**parts(first, "40.00"), "reason": "", "confirmed": "1"})
    assert state(first) is WithdrawalState.IN_REVIEW
    ops.post(url("release", first))
    finance.post(url("claim", first))
    finance.post(url("approve", first), {**parts(first, "40.00"), "reason": "", "confirmed": "1"})
    assert state(first) is WithdrawalState.APPROVED
    assert "Nothing waits" in text_of(ops.post(reverse("admin:wallet_withdrawal_next"), follow=True))


def test_many_at_once_with_a_preview(ops: Client) -> None:
    going, taken = [ask(), ask()], ask()
    staff_client("finance").post(url("claim", taken))
    ids = {"ids": [str(row.id) for row in [*going, taken]]}
    bulk = reverse("admin:wallet_withdrawal_bulk")
    preview = text_of(ops.post(bulk, ids))
    for shown in ("2 withdrawals are approved as a whole", "80.00", "finance-1 works on it", "Approve 2 withdrawals"):
        assert shown in preview
    assert state(going[0]) is WithdrawalState.IN_REVIEW
    done = text_of(ops.post(bulk, ids | {"confirmed": "1"}, follow=True))
    assert "2 withdrawals are approved." in done
    assert [state(row) for row in [*going, taken]] == [WithdrawalState.APPROVED] * 2 + [WithdrawalState.IN_REVIEW]
    again = text_of(ops.post(bulk, ids, follow=True))
    assert "It is approved already" in again
    assert "Choose withdrawals first" in text_of(ops.post(bulk, {}, follow=True))


@pytest.mark.parametrize("role", ["support_agent", "auditor", "mlro"])
def test_who_only_looks_cannot_decide(role: str) -> None:
    asked = ask()
    client = staff_client(role)
    assert "Claim the next" not in text_of(client.get(reverse(INBOX)))
    assert "Approve …" not in text_of(client.get(url("change", asked)))
    for name in ("claim", "release", "approve", "reject"):
        assert client.post(url(name, asked), {"reason": "x", "confirmed": "1"}).status_code == 403
    for name in ("next", "bulk"):
        assert client.post(reverse(f"admin:wallet_withdrawal_{name}"), {"ids": [str(asked.id)]}).status_code == 403
    assert state(asked) is WithdrawalState.IN_REVIEW


def test_marketing_sees_no_payments() -> None:
    asked = ask()
    client = staff_client("crm_specialist")
    assert client.get(reverse(INBOX)).status_code == 403
    assert client.get(url("change", asked)).status_code == 403


def test_deeds_are_posts(ops: Client) -> None:
    asked = ask()
    for name in ("claim", "release"):
        assert ops.get(url(name, asked)).status_code == 404
    assert ops.get(reverse("admin:wallet_withdrawal_next")).status_code == 404


def test_a_deposit_with_its_dialogue(ops: Client) -> None:
    deposit = pay_in(make_player().id, token="tok_decline")
    page = text_of(ops.get(reverse("admin:wallet_deposit_change", args=[deposit.id])))
    assert "Dialogue with the provider" in page
    assert "Declined by issuer" in page


def test_instruments_and_who_shares_them(ops: Client) -> None:
    one, other = make_player(), make_player()
    pay_in(one.id, token="tok_ok~same")
    pay_in(other.id, token="tok_ok~same")
    listed = text_of(ops.get(reverse("admin:wallet_instrument_changelist")))
    assert "Sandbox ••••" in listed
    mine = instrument(one.id, "tok_ok~same")
    assert other.login in text_of(ops.get(reverse("admin:wallet_instrument_change", args=[mine.id])))


def test_rules_are_changed_by_finance_alone(ops: Client) -> None:
    rule = ApprovalRule.objects.get(level="gold")
    page = reverse("admin:wallet_approvalrule_change", args=[rule.id])
    form = {"level": "gold", "currency": "EUR", "up_to_minor": "5", "max_score": "1", "active": "on"}
    assert "up to 1000.00 EUR" in text_of(ops.get(reverse("admin:wallet_approvalrule_changelist")))
    assert ops.post(page, form).status_code == 403
    staff_client("finance").post(page, form)
    rule.refresh_from_db()
    assert rule.up_to_minor == 5
    assert staff_client("finance").get(reverse("admin:wallet_withdrawalpolicy_add")).status_code == 200
