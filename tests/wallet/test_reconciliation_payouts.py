"""Reports that list payouts, chargebacks and fees beside deposits; tolerances; files that come as they come."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection

from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel.errors import FieldErrors
from tests.factories import ACTOR, AT, make_player
from tests.staff import staff_client, text_of
from tests.wallet.payments import eur, pay_in, withdraw
from tests.wallet.test_services_reconciliation import CLERK, cases, counts, mapping
from wallet.models_payments import Payout
from wallet.models_reconciliation import ReconciliationCase, Report, ReportMapping, ReportRow
from wallet.ports import Direction, PaymentAnswer, PaymentState
from wallet.providers.sandbox import SandboxProvider
from wallet.selectors import get_deposit
from wallet.selectors_reconciliation import sum_fees
from wallet.services import reconciliation
from wallet.services.payment_notices import receive_notice
from wallet.services.payment_sending import send_due
from wallet.services.withdrawal_decisions import approve_withdrawal

pytestmark = pytest.mark.usefixtures("db")

EVERYTHING = ["deposit", "payout", "chargeback", "return"]
WORDS = {"Charge": "deposit", "Payout": "payout", "Dispute": "chargeback", "Payout failure": "return", "Fee": "fee"}
HEADING = "id,type,amount,fee,currency,at"


def upload(mapping_id: UUID, *lines: str, heading: str = HEADING, encoding: str = "utf-8") -> Report:
    report_id = reconciliation.upload_report(
        mapping_id=mapping_id,
        file_name="march.csv",
        content="\n".join((heading, *lines)).encode(encoding),
        actor=CLERK,
        at=AT,
    )
    assert reconciliation.match_reports(at=AT) == 1
    return Report.objects.get(id=report_id)


def line(reference: str, kind: str, amount: str, fee: str = "", minutes: int = 0) -> str:
    return f"{reference},{kind},{amount},{fee},EUR,{(AT + timedelta(minutes=minutes)).isoformat()}"


def tell(direction: Direction, payment_id: UUID, state: PaymentState, amount: str = "", number: int = 1) -> None:
    answer = PaymentAnswer(state, "", "fraudulent", eur(amount) if amount else None)
    headers, body = SandboxProvider().webhook(direction, payment_id, answer, AT, number)
    receive_notice(provider="sandbox", headers=headers, body=body, at=AT)


def paid_out(amount: str = "40.00", token: str = "tok_ok") -> Payout:
    """A payout of a player who paid in 100.00 at the same moment."""
    player = make_player()
    pay_in(player.id, "100.00", token)
    found = withdraw(player.id, amount, token)
    approve_withdrawal(withdrawal_id=found.id, actor=ACTOR, at=AT)
    send_due(actor=ACTOR, at=AT)
    return Payout.objects.get(withdrawal_id=found.id)


def full_mapping(**more: object) -> UUID:
    return mapping(covers=EVERYTHING, kind_column="type", kinds=WORDS, fee_column="fee", **more)


def test_every_kind_of_payment_answers_to_its_line() -> None:
    payout, returned = paid_out(), paid_out("30.00", "tok_payout_return")
    partly = paid_out("21.00", "tok_payout_partial")
    tell(Direction.OUT, returned.id, PaymentState.RETURNED)
    disputed = pay_in(make_player().id, "50.00")
    for number, amount in enumerate(("20.00", "5.00"), 1):
        tell(Direction.IN, disputed.id, PaymentState.CHARGED_BACK, amount, number)
    reference = get_deposit(disputed.id).provider_reference
    charges = [row.provider_reference for row in reconciliation_deposits(payout, returned, partly)]
    report = upload(
        full_mapping(),
        *(line(charge, "Charge", "100.00", "1.50") for charge in charges),
        line(reference, "charge", "50.00", "1.00"),
        line(reference, "Dispute", "-5.00"),
        line(reference, "Dispute", "-20.00", "15.00"),
        line(payout.provider_reference, "Payout", "-40.00", "0.25"),
        line(str(returned.id), "Payout", "-30.00"),
        line(str(returned.id), "Payout failure", "30.00"),
        line(partly.provider_reference, "Payout", "-10.50"),
        line("", "Fee", "-9.00"),
        line(reference, "Wonder", "1.00"),
    )
    assert counts(report) == (10, 0, 0, 0, 1)
    assert cases(report) == []
    assert [str(fee) for fee in sum_fees(report.id)] == ["29.75"]
    assert ReportRow.objects.get(report=report, state="bad").reason == "'Wonder' is no kind that the mapping knows."


def reconciliation_deposits(*payouts: Payout) -> list[object]:
    from wallet.models_payments import Deposit

    return list(Deposit.objects.filter(player_id__in=[payout.withdrawal.player_id for payout in payouts]))


def test_what_of_ours_is_missing_is_of_the_kinds_that_the_file_lists() -> None:
    payout = paid_out()
    by_sign = upload(mapping(covers=EVERYTHING), line("stranger", "", "7.00"))
    assert {(row.kind, row.what) for row in ReconciliationCase.objects.filter(report=by_sign)} == {
        ("unmatched", "in"),
        ("missing", "deposit"),
        ("missing", "payout"),
    }
    ReportMapping.objects.update(covers=["payout"])
    payouts_only = upload(ReportMapping.objects.get().id, line(payout.provider_reference, "", "40.00"))
    assert counts(payouts_only) == (1, 0, 0, 0, 0)


def test_a_line_of_the_wrong_kind_or_sign_is_a_case() -> None:
    payout = paid_out()
    report = upload(full_mapping(), line(payout.provider_reference, "Charge", "40.00"))
    assert cases(report)[0] == ("differing", "ours is a payout", 4000, 4000)
    by_sign = upload(mapping("payments", "sandbox", covers=EVERYTHING, name="signs"), line("", "", "-100.00"))
    assert counts(by_sign)[2] == 1  # nobody was paid 100.00; the deposit of 100.00 is no answer


def test_amounts_after_fees_and_within_the_tolerance() -> None:
    deposit = pay_in(make_player().id, "100.00")
    reference = get_deposit(deposit.id).provider_reference
    net = full_mapping(net=True, tolerance_minor=2)
    assert counts(upload(net, line(reference, "Charge", "98.50", "1.50")))[:2] == (1, 0)
    near = upload(net, line(reference, "Charge", "98.52", "1.50"))
    assert ReportRow.objects.get(report=near).reason == "within tolerance"
    assert counts(upload(net, line(reference, "Charge", "98.53", "1.50")))[:2] == (0, 1)
    nameless = upload(net, line("", "Charge", "98.48", "1.50", 5))
    assert ReportRow.objects.get(report=nameless).reason == "by amount and time, within tolerance"
    payout = paid_out()
    assert counts(upload(net, line(payout.provider_reference, "Payout", "-40.25", "0.25")))[0] == 1


def test_files_that_are_no_csv_say_so_and_hold_nobody_up() -> None:
    mapping_id = full_mapping()
    utf16 = upload(mapping_id, line("x", "Charge", "1.00"), encoding="utf-16-le")  # without its mark
    assert (utf16.state, "zero bytes" in utf16.note) == ("failed", True)
    wrong = ReportMapping.objects.get(id=mapping_id)
    for name, value, said in (
        ("delimiter", ";", "The heading lacks"),
        ("encoding", "ascii", "not ascii"),
        ("encoding", "rot13", "not rot13"),
    ):
        ReportMapping.objects.filter(id=mapping_id).update(**{name: value})
        failed = upload(mapping_id, line(f"é{value}", "Charge", "1.00"))
        assert (failed.state, said in failed.note) == ("failed", True), failed.note
        ReportMapping.objects.filter(id=mapping_id).update(**{name: getattr(wrong, name)})
    quoted = upload(mapping_id, f'"{"x" * 200_000}",Charge,1.00,,EUR,{AT.isoformat()}')
    assert (quoted.state, "field larger" in quoted.note) == ("failed", True)
    old = upload(mapping_id, "x,Charge,1.00,,EUR,0001-01-01T00:00:00+14:00")
    assert ReportRow.objects.get(report=old).state == "bad"
    with pytest.raises(FieldErrors):
        reconciliation.upload_report(
            mapping_id=mapping_id, file_name="f", content=b"x" * (reconciliation.MAX_FILE_BYTES + 1), actor=CLERK, at=AT
        )


def test_what_goes_out_is_what_came_in_and_runs_in_no_spreadsheet() -> None:
    report = upload(full_mapping(), line("=cmd|x", "Charge", "1.00"), line("@SUM(A1)", "Charge", "2.50", "0.10", 1))
    client = staff_client("finance")
    file = client.get(f"/admin/wallet/report/{report.id}/rows.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode())))  # type: ignore[arg-type]
    assert [(row["line"], row["reference"], row["theirs"], row["fee"], row["state"]) for row in rows] == [
        ("2", "'=cmd|x", "1.00", "0.00", "unmatched"),
        ("3", "'@SUM(A1)", "2.50", "0.10", "unmatched"),
    ]
    assert list_audit(AuditQuery())[0].action == "wallet.export_report"
    assert "0.10" in text_of(client.get(f"/admin/wallet/report/{report.id}/change/"))
    assert staff_client("support_agent").get(f"/admin/wallet/report/{report.id}/rows.csv").status_code == 403


def test_a_case_leads_to_what_it_is_about() -> None:
    payout = paid_out()
    upload(full_mapping(), line(payout.provider_reference, "Payout", "-41.00"))
    case = ReconciliationCase.objects.get(what="payout")
    page = staff_client("finance").get(f"/admin/wallet/reconciliationcase/{case.pk}/change/").content.decode()
    assert f"/admin/wallet/withdrawal/{payout.withdrawal_id}/change/" in page


def test_a_mapping_says_what_the_files_words_mean() -> None:
    client = staff_client("finance")
    form = {
        "name": "PSP", "side": "payments", "source": "sandbox", "reference_column": "id", "amount_column": "amount",
        "time_column": "at", "currency": "EUR", "window_s": "60", "tolerance_minor": "1", "covers": ["deposit", "payout"],
        "kind_column": "type", "kinds": "Auszahlung = payout\nKauf=deposit\n",
    }  # fmt: skip
    assert client.post("/admin/wallet/reportmapping/new/", form).status_code == 302
    found = ReportMapping.objects.get()
    assert (found.kinds, found.covers) == ({"Auszahlung": "payout", "Kauf": "deposit"}, ["deposit", "payout"])
    kept = list_audit(AuditQuery())[0]
    assert (kept.action, kept.object_id) == ("wallet.save_mapping", str(found.pk))
    again = client.get(f"/admin/wallet/reportmapping/{found.pk}/change/")
    assert "Auszahlung = payout" in again.content.decode()
    for words, said in (("Kauf = gift", "does not say which of ours"), ("", "Name the column and its words")):
        refused = client.post("/admin/wallet/reportmapping/new/", form | {"name": "Other", "kinds": words})
        assert said in text_of(refused)


@pytest.mark.slow
@pytest.mark.breaks_ledger  # deposits that the ledger does not know
def test_a_hundred_thousand_lines_are_matched_in_sets() -> None:
    """The statements do not grow with the lines one by one, and the whole takes less than a minute."""
    player = make_player()
    pay_in(player.id, "1.00")
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO wallet_deposit (id, player_id, amount_minor, currency, provider, paid_with_id, state, source, key,
                   digest, provider_reference, failure_reason, charged_back_minor, refunded_minor, reinstated_minor, attempts,
                   requested_at, settled_at)
               SELECT kernel_uuid7(), %s, 100 + n %% 7, 'EUR', 'bulk', (SELECT min(id::text)::uuid FROM wallet_instrument),
                      'made', 'bulk', n, '', 'ref-' || n, '', 0, 0, 0, 0,
                      %s, %s FROM generate_series(1, 100000) n""",
            [player.id, AT, AT],
        )
    known = [f"ref-{n},Charge,{(100 + n % 7) / 100:.2f},,EUR,{AT.isoformat()}" for n in range(1, 60_001)]
    nameless = [f",Charge,{(100 + n % 7) / 100:.2f},,EUR,{AT.isoformat()}" for n in range(60_001, 100_001)]
    mapping_id = full_mapping(source="bulk")
    with connection.execute_wrapper(counting := Counting()):
        report = upload(mapping_id, *known, *nameless)
    assert counts(report) == (100_000, 0, 0, 0, 0)
    assert counting.statements < 400


class Counting:
    statements = 0

    def __call__(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        self.statements += 1
        return execute(sql, params, many, context)
