"""Corrections, approvals and disputes as staff work them."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from compliance.selectors import list_approvals
from kernel.money import Money
from players.services.accounts import change_status
from players.services.staff import ensure_staff
from players.types import PlayerDetails, Status
from tests.factories import ACTOR, AT, fund, make_player
from tests.staff import client_of, staff_client, text_of
from wallet.selectors import get_balances, list_purses
from wallet.selectors_adjustments import list_adjustments, list_disputes

pytestmark = pytest.mark.usefixtures("db")

LISTS = [
    "/admin/compliance/approval/",
    *(f"/admin/wallet/{name}/" for name in ("adjustment", "dispute", "dormancynotice")),
]


@pytest.fixture
def player() -> PlayerDetails:
    someone = make_player(login="annakeller")
    fund(someone.id, "200.00")
    return someone


@pytest.fixture
def finance() -> Client:
    return staff_client("finance")


def second_client(role: str = "finance") -> Client:
    """Somebody else with the same role."""
    staff_client(role)
    pk = ensure_staff(login="second", email="second@example.com", password="long enough 1", roles=[role], at=AT)
    return client_of(pk)


def ask(client: Client, player: PlayerDetails, amount: str = "150.00", **more: str) -> object:
    address = reverse("admin:wallet_adjustment_adjust", args=[player.id])
    key = re.search(r'name="key" value="(\w+)"', text_of(client.get(address)))
    assert key
    form = {
        "purse": str(list_purses(player.id)[0].id),
        "direction": "debit",
        "amount": amount,
        "reason": "goodwill",
        "evidence": "Ticket 12.",
        "key": key[1],
        **more,
    }
    return client.post(address, form)


def real(player: PlayerDetails) -> str:
    return str(get_balances(player.id).real)


def test_a_correction_says_first_what_it_will_do_then_waits_and_is_approved(
    player: PlayerDetails, finance: Client
) -> None:
    shown = text_of(ask(finance, player))
    assert "It waits for a second person" in shown
    assert "50.00" in shown
    assert list_adjustments(player.id) == []
    assert ask(finance, player, confirmed="1").status_code == 302  # type: ignore[attr-defined]
    assert real(player) == "200.00"
    [found] = list_approvals()
    page = reverse("admin:compliance_approval_change", args=[found.id])
    own = text_of(finance.get(page))
    assert "somebody else has to decide" in own
    assert "Approve and carry out" not in own

    other = second_client()
    shown = text_of(other.get(page))
    assert "debited by 150.00 EUR" in shown
    assert "<del>200.00 EUR</del>" in shown
    assert ">50.00 EUR</ins>" in shown
    assert "finance-1" in shown
    stale = other.post(
        reverse("admin:compliance_approval_approve", args=[found.id]), {"digest": "00" * 32}, follow=True
    )
    assert "differs from what was shown" in text_of(stale)
    assert real(player) == "200.00"
    done = other.post(
        reverse("admin:compliance_approval_approve", args=[found.id]), {"digest": found.digest}, follow=True
    )
    assert "Approved and carried out" in text_of(done)
    assert real(player) == "50.00"


def test_a_small_correction_is_posted_once_however_often_it_is_sent(player: PlayerDetails, finance: Client) -> None:
    address = reverse("admin:wallet_adjustment_adjust", args=[player.id])
    form = {
        "purse": str(list_purses(player.id)[0].id), "direction": "credit", "amount": "1.50", "reason": "goodwill",
        "evidence": "x", "key": "once", "confirmed": "1",
    }  # fmt: skip
    assert "posted at once" in text_of(ask(finance, player, "1.50", direction="credit"))
    for _ in range(3):
        finance.post(address, form)
    assert real(player) == "201.50"
    assert "Corrections by staff" in text_of(
        finance.get(reverse("admin:players_player_tab", args=[player.id, "wallet"]))
    )


@pytest.mark.parametrize("amount", ["", "-5", "1,5", "0", "1.234", "nonsense"])
def test_an_amount_that_is_none_is_refused_with_a_sentence(player: PlayerDetails, finance: Client, amount: str) -> None:
    response = ask(finance, player, amount, confirmed="1")
    assert response.status_code == 200  # type: ignore[attr-defined]
    assert "errorlist" in text_of(response)
    assert list_adjustments(player.id) == []


def test_more_than_there_is_cannot_be_taken(player: PlayerDetails, finance: Client) -> None:
    answer = finance.get(ask(finance, player, "200.01", confirmed="1").url)  # type: ignore[attr-defined]
    assert "The purse holds 200.00 EUR" in text_of(answer)


def test_the_queue_hands_out_the_next_and_keeps_others_away(player: PlayerDetails, finance: Client) -> None:
    ask(finance, player, confirmed="1")
    following = reverse("admin:compliance_approval_next")
    assert "Nothing waits for you" in text_of(finance.post(following, follow=True))
    other = second_client()
    assert "1 waits for a second pair of eyes" in text_of(other.get("/admin/compliance/approval/"))
    [found] = list_approvals()
    assert str(found.id) in other.post(following).url
    third = staff_client("compliance_officer")
    shown = text_of(third.get(reverse("admin:compliance_approval_change", args=[found.id])))
    assert "second is working on this now" in shown
    other.post(reverse("admin:compliance_approval_release", args=[found.id]))
    decide = reverse("admin:compliance_approval_reject", args=[found.id])
    assert "Say in a few words why" in text_of(third.post(decide, {"digest": found.digest}))
    third.post(decide, {"digest": found.digest, "comment": "Not proved."})
    assert list_approvals()[0].state == "rejected"
    assert list_adjustments(player.id)[0].state == "rejected"


def test_those_without_the_right_can_neither_ask_nor_decide(player: PlayerDetails, finance: Client) -> None:
    ask(finance, player, confirmed="1")
    [found] = list_approvals()
    reader = staff_client("auditor")
    assert reader.get(reverse("admin:wallet_adjustment_adjust", args=[player.id])).status_code == 403
    assert "does not decide" in text_of(reader.get(reverse("admin:compliance_approval_change", args=[found.id])))
    for action in ("approve", "reject", "claim"):
        reader.post(
            reverse(f"admin:compliance_approval_{action}", args=[found.id]), {"digest": found.digest, "comment": "x"}
        )
    assert list_approvals()[0].state == "requested"
    assert list_approvals()[0].claimed_by == ""
    nobody = staff_client("crm_specialist")
    for address in LISTS:
        assert reader.get(address).status_code == 200, address
        assert nobody.get(address).status_code == 403, address


def test_nothing_is_done_by_following_a_link(player: PlayerDetails, finance: Client) -> None:
    ask(finance, player, confirmed="1")
    [found] = list_approvals()
    for action in ("approve", "reject", "claim", "release"):
        assert finance.get(reverse(f"admin:compliance_approval_{action}", args=[found.id])).status_code == 404
    assert finance.get(reverse("admin:compliance_approval_next")).status_code == 404


def test_a_dispute_is_worked_to_its_end(player: PlayerDetails, finance: Client) -> None:
    address = reverse("admin:wallet_dispute_open", args=[player.id])
    form = {"subject": "A win is missing", "story": "It stopped on 50.", "claimed": "50.00", "key": "d"}
    for _ in range(2):
        finance.post(address, form)
    [found] = list_disputes(player.id)
    assert found.claimed == Money(5000, "EUR")
    page = reverse("admin:wallet_dispute_change", args=[found.id])
    assert "Investigate it" in text_of(finance.get(page))
    finance.post(reverse("admin:wallet_dispute_investigate", args=[found.id]))
    settle = reverse("admin:wallet_dispute_settle", args=[found.id])
    assert "errorlist" in text_of(finance.post(settle, {"outcome": "resolved", "resolution": "Right.", "amount": "x"}))
    finance.post(settle, {"outcome": "resolved", "resolution": "The log shows it.", "amount": "50.00"})
    assert list_disputes(player.id)[0].state == "resolved"
    assert real(player) == "250.00"
    assert "The log shows it." in text_of(finance.get(page))


def test_the_rest_of_a_closed_account_is_written_off(player: PlayerDetails, finance: Client) -> None:
    tab = reverse("admin:players_player_tab", args=[player.id, "wallet"])
    address = reverse("admin:wallet_adjustment_write_off", args=[player.id])
    assert address not in text_of(finance.get(tab))
    change_status(player_id=player.id, to=Status.CLOSED, reason="left", actor=ACTOR, at=AT)
    assert address in text_of(finance.get(tab))
    form = {"reason": "untraceable", "evidence": "Letters came back.", "key": "w"}
    assert "Ask for approval" in text_of(finance.post(address, form))
    finance.post(address, {**form, "confirmed": "1"})
    assert list_adjustments(player.id)[0].nature == "write_off"
    opened = reverse("admin:wallet_adjustment_change", args=[list_adjustments(player.id)[0].id])
    assert "Letters came back." in text_of(finance.get(opened))
