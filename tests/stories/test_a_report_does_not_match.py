"""The provider's report says more than our books: a case is opened, claimed, and repaired by a posting.

open → claimed → resolved, with or without money.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.factories import AT, fund, make_player
from tests.rest.conftest import Api
from tests.staff import staff_client, text_of
from tests.stories.faces import balance, heard, history, page, push
from wallet.models_reconciliation import ReconciliationCase
from wallet.selectors import list_deposits
from wallet.tasks import match_reports

pytestmark = pytest.mark.usefixtures("db")

MAPPING = {
    "name": "Settlements", "side": "payments", "source": "sandbox", "reference_column": "id", "amount_column": "amount",
    "time_column": "at", "currency": "EUR", "window_s": "600", "tolerance_minor": "0",
    "covers": "deposit",
}  # fmt: skip


@pytest.fixture
def finance(db: None) -> Client:
    client = staff_client("finance")
    assert client.post(reverse("admin:wallet_reportmapping_new"), MAPPING).status_code == 302
    return client


def upload(finance: Client, *lines: str) -> str:
    mapping = text_of(finance.get(reverse("admin:wallet_report_upload"))).split('<option value="')[-1].split('"')[0]
    file = SimpleUploadedFile("march.csv", "\n".join(("id,amount,at", *lines)).encode())
    finance.post(reverse("admin:wallet_report_upload"), {"mapping": mapping, "file": file})
    match_reports()  # the job that the upload nudges
    return text_of(finance.get(reverse("admin:wallet_reconciliationcase_changelist")))


def test_a_deposit_that_was_booked_too_low_is_repaired(api: Api, finance: Client) -> None:
    ann, ben = make_player(), make_player()
    fund(ann.id, "10.00")
    fund(ben.id, "20.00", at=AT + timedelta(minutes=1))
    theirs = [list_deposits(player.id)[0].provider_reference for player in (ann, ben)]
    shown = upload(finance, f"{theirs[0]},15.00,{AT.isoformat()}", f"{theirs[1]},20.00,{AT.isoformat()}")
    assert theirs[0] in shown
    assert theirs[1] not in shown, "what agrees is no case"
    case = ReconciliationCase.objects.get()
    assert "15.00" in page(finance, "wallet_reconciliationcase", case.pk)

    push(finance, "wallet_reconciliationcase_claim", case.pk)
    other = staff_client("administrator")
    push(other, "wallet_reconciliationcase_resolve", case.pk, resolution="Mine!", amount="5.00")
    assert balance(api, ann.id) == "10.00", "it is in somebody's hands"
    for _ in range(2):
        push(finance, "wallet_reconciliationcase_resolve", case.pk, resolution="Their bank says 15.", amount="5.00")
    assert history(api, ann.id) == [("deposit", "10.00", "10.00"), ("adjustment", "5.00", "15.00")]
    assert heard(ann.id, "balance-") == ["balance-adjusted"]
    shown = page(finance, "wallet_reconciliationcase", case.pk)
    assert "Resolved" in shown
    assert "Their bank says 15." in shown


def test_what_needs_no_money_is_resolved_with_a_word(api: Api, finance: Client) -> None:
    ann = make_player()
    fund(ann.id, "10.00")
    upload(
        finance,
        f"nobody-knows,3.00,{AT.isoformat()}",
        f"{list_deposits(ann.id)[0].provider_reference},10.00,{AT.isoformat()}",
    )
    case = ReconciliationCase.objects.get()
    push(finance, "wallet_reconciliationcase_resolve", case.pk, resolution="A test of the provider's.", amount="3.00")
    assert ReconciliationCase.objects.get().state == "open", "no player, no correction"
    push(finance, "wallet_reconciliationcase_resolve", case.pk, resolution="A test of the provider's.", amount="")
    assert ReconciliationCase.objects.get().state == "resolved"
    assert history(api, ann.id) == [("deposit", "10.00", "10.00")]
