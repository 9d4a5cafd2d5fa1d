"""The desk as staff work it: a mapping, a file, its cases, what players are owed."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel import clock
from tests.factories import AT, fund, make_player
from tests.staff import staff_client, text_of
from wallet.models_reconciliation import ReconciliationCase, Report, ReportMapping
from wallet.selectors import get_balances, list_deposits
from wallet.services.liability import close_days
from wallet.services.reconciliation import match_reports

pytestmark = pytest.mark.usefixtures("db")

MAPPING = {
    "name": "Sandbox settlements", "side": "payments", "source": "sandbox", "reference_column": "Referenz",
    "amount_column": "Betrag", "time_column": "Zeit", "currency": "EUR", "time_format": "%d.%m.%Y %H:%M",
    "decimal_comma": "on", "covers": ["deposit"], "tolerance_minor": "0", "window_s": "600",
}  # fmt: skip


@pytest.fixture
def finance() -> Client:
    return staff_client("finance")


def upload(client: Client, text: str) -> object:
    form = {
        "mapping": str(ReportMapping.objects.get().pk),
        "file": SimpleUploadedFile("märz.csv", text.encode("cp1252")),
    }
    return client.post(reverse("admin:wallet_report_upload"), form, follow=True)


def test_from_a_mapping_to_a_repaired_balance(finance: Client) -> None:
    player = make_player()
    fund(player.id, "10.00")
    new = reverse("admin:wallet_reportmapping_new")
    assert "errorlist" in text_of(finance.post(new, {**MAPPING, "currency": ""}))
    assert "ISO 4217" in text_of(finance.post(new, {**MAPPING, "currency": "XYZ"}))
    assert finance.post(new, MAPPING).status_code == 302
    reference = list_deposits(player.id)[0].provider_reference
    text = f"Referenz;Betrag;Zeit;Kürzel\n{reference};1.012,00;{AT:%d.%m.%Y %H:%M};x\nbad;?;{AT:%d.%m.%Y %H:%M};x\n"
    shown = text_of(upload(finance, text))
    assert 'hx-trigger="every 1s"' in shown
    match_reports(at=AT)
    report = Report.objects.get()
    shown = text_of(finance.get(reverse("admin:wallet_report_change", args=[report.pk])))
    assert 'hx-trigger="every 1s"' not in shown
    assert "Lines that cannot be read" in shown
    assert "uploaded before" in text_of(upload(finance, text))
    case = ReconciliationCase.objects.get()
    page = reverse("admin:wallet_reconciliationcase_change", args=[case.pk])
    assert "1,012.00" in text_of(finance.get(page))
    finance.post(reverse("admin:wallet_reconciliationcase_claim", args=[case.pk]))
    resolve = reverse("admin:wallet_reconciliationcase_resolve", args=[case.pk])
    assert "errorlist" in text_of(finance.post(resolve, {"resolution": "", "amount": "2"}))
    finance.post(resolve, {"resolution": "A part was missing.", "amount": "2.00"})
    assert str(get_balances(player.id).real) == "12.00"
    assert "A part was missing." in text_of(finance.get(page))


def test_what_players_are_owed_is_shown_by_day(finance: Client) -> None:
    address = reverse("admin:wallet_report_liability")
    assert "No day is closed yet" in text_of(finance.get(address))
    fund(make_player().id, "123.45")
    close_days(at=(clock.now() + timedelta(days=1)).replace(hour=1))
    assert "123.45" in text_of(finance.get(address))


def rows_of(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[arg-type]


def test_the_cases_of_a_list_go_out_as_a_file_that_no_spreadsheet_runs(finance: Client) -> None:
    finance.post(reverse("admin:wallet_reportmapping_new"), MAPPING)
    upload(finance, f"Referenz;Betrag;Zeit;Kürzel\n=cmd|x;1,50;{AT:%d.%m.%Y %H:%M};x\nb;2,00;{AT:%d.%m.%Y %H:%M};x\n")
    match_reports(at=AT)
    done = ReconciliationCase.objects.get(reference="b")
    finance.post(reverse("admin:wallet_reconciliationcase_claim", args=[done.pk]))
    finance.post(reverse("admin:wallet_reconciliationcase_resolve", args=[done.pk]), {"resolution": "@Theirs."})
    page = reverse("admin:wallet_reconciliationcase_changelist")
    assert "cases.csv?state__exact=open" in text_of(finance.get(f"{page}?state__exact=open"))
    address = reverse("admin:wallet_reconciliationcase_file")
    for query, expected in (
        ("", [("'=cmd|x", "1.50", "open", ""), ("b", "2.00", "resolved", "'@Theirs.")]),
        ("?state__exact=open", [("'=cmd|x", "1.50", "open", "")]),
    ):
        rows = rows_of(finance, address + query)
        assert [(row["reference"], row["theirs"], row["state"], row["resolution"]) for row in rows] == expected
    kept = [(row.action, row.after) for row in list_audit(AuditQuery())[:2]]
    assert kept == [
        ("wallet.export_cases", {"wanted": "state__exact=open"}), ("wallet.export_cases", {"wanted": "all"}),
    ]  # fmt: skip
    assert finance.get(f"{address}?nonsense=1").status_code == 302
    assert staff_client("support_agent").get(address).status_code == 403


def test_what_players_were_owed_goes_out_as_a_file(finance: Client) -> None:
    fund(make_player().id, "123.45")
    closing = (clock.now() + timedelta(days=1)).replace(hour=1)
    close_days(at=closing)
    address = reverse("admin:wallet_report_liability_file")
    newest = rows_of(finance, address)[-1]
    assert newest == {
        "day": f"{closing - timedelta(days=1):%Y-%m-%d}", "currency": "EUR", "real": "123.45", "bonus": "0.00",
        "held": "0.00", "tournament": "0.00", "together": "123.45",
    }  # fmt: skip
    assert list_audit(AuditQuery())[0].action == "wallet.export_liability"
    assert staff_client("support_agent").get(address).status_code == 403


def test_only_finance_works_the_desk(finance: Client) -> None:
    auditor, agent = staff_client("auditor"), staff_client("support_agent")
    for name in ("report", "reportmapping", "reconciliationcase"):
        address = f"/admin/wallet/{name}/"
        assert finance.get(address).status_code == 200
        assert auditor.get(address).status_code == 200
        assert agent.get(address).status_code == 403
    for name in ("report_upload", "reportmapping_new"):
        assert auditor.get(reverse(f"admin:wallet_{name}")).status_code == 403
