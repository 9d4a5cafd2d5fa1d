"""A player has left and cannot be found: what is left on the account goes to the house, by two people."""

from __future__ import annotations

import pytest
from django.urls import reverse

from compliance.selectors import list_approvals
from players.services.accounts import change_status
from players.services.staff import ensure_staff
from players.types import Status
from tests.factories import ACTOR, AT, fund, make_player
from tests.rest.conftest import Api
from tests.staff import client_of, staff_client, text_of
from tests.stories.faces import balance, heard, history, page, push
from wallet.selectors import sum_house
from wallet.selectors_adjustments import list_adjustments
from wallet.types import AccountKind

pytestmark = pytest.mark.usefixtures("db")


def test_the_rest_goes_to_the_house_once_a_second_person_agrees(api: Api) -> None:
    player = make_player()
    fund(player.id, "33.30")
    finance = staff_client("finance")
    address = reverse("admin:wallet_adjustment_write_off", args=[player.id])
    form = {"reason": "untraceable", "evidence": "Three letters came back.", "key": "w", "confirmed": "1"}
    assert "closed account" in text_of(finance.post(address, form, follow=True)), "an open account is not written off"
    change_status(player_id=player.id, to=Status.CLOSED, reason="left", actor=ACTOR, at=AT)
    for _ in range(2):  # a double click asks once
        finance.post(address, form)
    (asked,) = list_approvals()
    assert balance(api, player.id) == "33.30"
    pk = ensure_staff(login="second", email="s@example.com", password="long enough 1", roles=["finance"], at=AT)
    second = client_of(pk)
    assert "Three letters came back." in page(second, "compliance_approval", asked.id)
    for _ in range(2):
        push(second, "compliance_approval_approve", asked.id, digest=asked.digest)
    assert history(api, player.id) == [("deposit", "33.30", "33.30"), ("write_off", "-33.30", "0.00")]
    assert str(sum_house(AccountKind.WRITE_OFFS)["EUR"]) == "33.30"
    assert heard(player.id, "balance-", "approval-") == ["approval-requested", "balance-adjusted", "approval-decided"]
    (written,) = list_adjustments(player.id)
    shown = page(finance, "wallet_adjustment", written.id)
    assert "Posted" in shown
    assert "33.30" in shown
