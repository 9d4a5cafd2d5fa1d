"""A player says that a win is missing. Support notes it, looks, and asks for a correction that a second person approves.

open → investigating → resolved | rejected; the correction waits for approval, is approved, rejected, or expires.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from compliance.selectors import list_approvals
from compliance.services.approvals import expire_due
from kernel import clock
from kernel.actors import system
from players.services.staff import ensure_staff
from players.types import PlayerDetails
from tests.factories import AT, fund, make_player
from tests.rest.conftest import Api
from tests.staff import client_of, staff_client, text_of
from tests.stories.faces import balance, heard, history, page, push
from wallet.selectors import sum_house
from wallet.selectors_adjustments import list_adjustments, list_disputes
from wallet.types import AccountKind

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player(db: None) -> PlayerDetails:
    someone = make_player()
    fund(someone.id, "20.00")
    return someone


@pytest.fixture
def finance(db: None) -> Client:
    return staff_client("finance")


@pytest.fixture
def second(finance: Client) -> Client:
    pk = ensure_staff(login="second", email="s@example.com", password="long enough 1", roles=["finance"], at=AT)
    return client_of(pk)


def opened(client: Client, player: PlayerDetails) -> UUID:
    address = reverse("admin:wallet_dispute_open", args=[player.id])
    client.post(
        address,
        {"subject": "A win is missing", "story": "It stopped on 500.", "claimed": "500.00", "key": player.id.hex},
    )
    (found,) = list_disputes(player.id)
    return found.id


def settle(client: Client, dispute: UUID, amount: str = "500.00") -> None:
    push(client, "wallet_dispute_investigate", dispute)
    form = {"outcome": "resolved", "resolution": "The provider's log shows the win.", "amount": amount}
    push(client, "wallet_dispute_settle", dispute, **form)


def test_a_large_redress_is_approved_by_somebody_else(
    api: Api, player: PlayerDetails, finance: Client, second: Client
) -> None:
    dispute = opened(finance, player)
    settle(finance, dispute)
    assert balance(api, player.id) == "20.00", "nothing is paid before a second person has agreed"
    (asked,) = list_approvals()
    assert "somebody else has to decide" in page(finance, "compliance_approval", asked.id)
    push(finance, "compliance_approval_approve", asked.id, digest=asked.digest)
    assert balance(api, player.id) == "20.00"
    assert "credited with 500.00 EUR" in page(second, "compliance_approval", asked.id)
    for _ in range(2):
        push(second, "compliance_approval_approve", asked.id, digest=asked.digest)
    assert history(api, player.id) == [("deposit", "20.00", "20.00"), ("adjustment", "500.00", "520.00")]
    assert str(sum_house(AccountKind.ADJUSTMENTS)["EUR"]) == "-500.00"
    assert heard(player.id, "dispute-", "balance-", "approval-") == [
        "dispute-state-changed", "dispute-state-changed", "approval-requested", "dispute-state-changed",
        "balance-adjusted", "approval-decided",
    ]  # fmt: skip
    shown = page(finance, "wallet_dispute", dispute)
    assert "Resolved" in shown
    assert "log shows the win" in shown


def test_a_second_person_who_says_no_leaves_the_money_where_it_is(
    api: Api, player: PlayerDetails, finance: Client, second: Client
) -> None:
    settle(finance, opened(finance, player))
    (asked,) = list_approvals()
    push(second, "compliance_approval_reject", asked.id, digest=asked.digest, comment="The log is of another round.")
    assert (balance(api, player.id), list_adjustments(player.id)[0].state) == ("20.00", "rejected")


def test_what_nobody_approves_in_three_days_is_off(api: Api, player: PlayerDetails, finance: Client) -> None:
    settle(finance, opened(finance, player))
    assert expire_due(actor=system("expire-approvals"), at=clock.now() + timedelta(days=3)) == 1
    assert (balance(api, player.id), list_adjustments(player.id)[0].state) == ("20.00", "expired")


def test_a_small_redress_needs_nobody_and_a_rejected_dispute_no_money(
    api: Api, player: PlayerDetails, finance: Client
) -> None:
    settle(finance, opened(finance, player), "15.00")
    assert balance(api, player.id) == "35.00"
    other = make_player()
    dispute = opened(finance, other)
    push(finance, "wallet_dispute_investigate", dispute)
    push(
        finance, "wallet_dispute_settle", dispute, outcome="rejected", resolution="There was no such round.", amount=""
    )
    assert "Rejected" in page(finance, "wallet_dispute", dispute)
    assert (balance(api, other.id), history(api, other.id)) == ("0.00", [])
    assert text_of(finance.get(reverse("admin:wallet_dispute_changelist"))).count("A win is missing") == 2
