"""The inbox's filters, targets, named views, and going on with the next."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from kernel import clock
from tests.factories import AT, make_player
from tests.staff import staff_client, text_of
from tests.wallet.payments import pay_in, withdraw
from wallet.admin_inbox import age_of, read_wanted
from wallet.models_payments import SavedView, Withdrawal
from wallet.selectors import get_withdrawal
from wallet.types_payments import WithdrawalDetails, WithdrawalState

pytestmark = pytest.mark.usefixtures("db")

INBOX = "/admin/wallet/withdrawal/"


@pytest.fixture
def ops(db: None) -> Client:
    return staff_client("operations")


def ask(amount: str = "40.00", token: str = "tok_ok") -> WithdrawalDetails:
    player = make_player()
    pay_in(player.id, "20000.00", token, at=clock.now())
    return withdraw(player.id, amount, token, at=clock.now())


def shown(client: Client, query: str = "") -> set[str]:
    return {str(line.row.pk) for line in client.get(f"{INBOX}?{query}").context["lines"]}


def test_filters_narrow_what_is_shown(ops: Client) -> None:
    low, high = ask(), ask()
    Withdrawal.objects.filter(id=low.id).update(score=10)
    Withdrawal.objects.filter(id=high.id).update(score=70, level="gold")
    assert shown(ops) == {str(low.id), str(high.id)}
    assert shown(ops, "risk=60") == shown(ops, "level=gold") == {str(high.id)}
    assert shown(ops, "currency=EUR&hands=free") == {str(low.id), str(high.id)}
    assert shown(ops, "hands=mine") == shown(ops, "currency=SEK") == set()
    ops.post(f"{INBOX}{low.id}/claim/")
    assert shown(ops, "hands=mine") == {str(low.id)}
    assert shown(ops, "hands=free") == {str(high.id)}
    assert read_wanted({"tab": "x", "risk": "x", "hands": "x"}).address == "tab=review"


def test_ages_are_coloured_by_the_target_of_the_level() -> None:
    row = Withdrawal(requested_at=AT, level="gold")
    with override_settings(WITHDRAWAL_TARGET_HOURS={"any": "24", "gold": "8"}):
        seen = [age_of(row, AT + timedelta(hours=hours)) for hours in (1, 5, 9)]
        assert [(age.tone, age.due) for age in seen] == [
            ("", "due in 7 h"),
            ("warn", "due in 3 h"),
            ("bad", "60 min late"),
        ]
        row.level = ""
        assert age_of(row, AT + timedelta(hours=9)).tone == ""


def test_views_are_kept_for_their_owner_alone(ops: Client) -> None:
    ops.post(f"{INBOX}views/save/", {"name": "Risky", "query": "tab=review&risk=60&evil=1"})
    (view,) = SavedView.objects.all()
    assert (view.name, view.query) == ("Risky", "tab=review&risk=60")
    assert "Risky" in text_of(ops.get(INBOX))
    ops.post(f"{INBOX}views/save/", {"name": "Risky", "query": "risk=30"})
    assert SavedView.objects.get().query == "tab=review&risk=30"
    other = staff_client("finance")
    assert "Risky" not in text_of(other.get(INBOX))
    other.post(f"{INBOX}views/{view.pk}/remove/")
    assert SavedView.objects.count() == 1
    ops.post(f"{INBOX}views/{view.pk}/remove/")
    assert SavedView.objects.count() == 0
    refused = ops.post(f"{INBOX}views/save/", {"name": " ", "query": ""}, follow=True)
    assert "at most 40 characters" in text_of(refused)
    assert staff_client("crm_specialist").post(f"{INBOX}views/save/", {"name": "x"}).status_code == 403


def test_after_a_decision_the_next_is_claimed_and_opened(ops: Client) -> None:
    first, second = ask(), ask()
    answer = ops.post(f"{INBOX}{first.id}/reject/", {"reason": "Stolen.", "next": "on"})
    assert answer["Location"] == reverse("admin:wallet_withdrawal_change", args=[second.id])
    assert get_withdrawal(second.id).claimed_by
    answer = ops.post(f"{INBOX}{second.id}/reject/", {"reason": "Stolen."})
    assert answer["Location"] == reverse("admin:wallet_withdrawal_change", args=[second.id])


def test_bulk_names_what_is_paid_what_waits_and_what_is_left_out(ops: Client) -> None:
    small, large, taken = ask("10.00"), ask("6000.00"), ask("30.00")
    staff_client("finance").post(f"{INBOX}{taken.id}/claim/")
    ids = [str(row.id) for row in (small, large, taken)]
    page = ops.post(f"{INBOX}bulk/", {"ids": ids})
    sums = [[str(sum_) for sum_ in page.context[name]] for name in ("alone", "second", "left_out")]
    assert sums == [["10.00"], ["6000.00"], ["30.00"]]
    ops.post(f"{INBOX}bulk/", {"ids": ids[:2], "confirmed": "1"})
    assert get_withdrawal(small.id).state is WithdrawalState.APPROVED
    waiting = get_withdrawal(large.id)
    assert waiting.state is WithdrawalState.IN_REVIEW
    assert shown(ops, "tab=second") == {str(large.id)}
    assert str(waiting.approval_id) in ops.get(f"{INBOX}{large.id}/change/").content.decode()
