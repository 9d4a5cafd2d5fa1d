"""The desk: what matches, what does not, and how a case ends."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from django.db.models import F

from kernel import clock
from kernel.access import AccessDenied
from kernel.db import fetch_one
from kernel.errors import DomainError, FieldErrors
from kernel.money import Money
from tests.connections import in_parallel
from tests.factories import AT, bet, fund, make_game, make_player
from tests.wallet.test_services_adjustments import RIGHTS, approve, real, staff
from wallet.models_reconciliation import ReconciliationCase, Report, ReportMapping, ReportRow
from wallet.selectors import list_deposits
from wallet.selectors_adjustments import get_adjustment
from wallet.selectors_reconciliation import list_liability, list_same_files
from wallet.services import reconciliation
from wallet.services.disputes import Redress
from wallet.services.liability import close_days, closed_until

pytestmark = pytest.mark.usefixtures("db")

CLERK, OTHER = (staff(number, RIGHTS | {"wallet.reconcile"}) for number in (1, 2))


def mapping(side: str = "payments", source: str = "sandbox", **more: object) -> UUID:
    columns = {"reference_column": "id", "amount_column": "amount", "time_column": "at", "currency_column": "currency"}
    fields = {"name": f"{side} {source}", "side": side, "source": source, **columns, **more}
    return ReportMapping.objects.create(**fields).id  # type: ignore[no-any-return,misc]


def upload(mapping_id: UUID, *lines: str) -> Report:
    content = "\n".join(("id,amount,currency,at", *lines)).encode()
    report_id = reconciliation.upload_report(
        mapping_id=mapping_id, file_name="march.csv", content=content, actor=CLERK, at=AT
    )
    assert reconciliation.match_reports(at=AT) == 1
    return Report.objects.get(id=report_id)


def line(reference: str, amount: str, minutes: int = 0, currency: str = "EUR") -> str:
    return f"{reference},{amount},{currency},{(AT + timedelta(minutes=minutes)).isoformat()}"


def counts(report: Report) -> tuple[int, int, int, int, int]:
    return report.matched, report.differing, report.unmatched, report.missing, report.bad


def deposited(*amounts: str) -> tuple[UUID, list[str]]:
    """A player and the provider's references of their deposits, a minute apart."""
    player = make_player()
    for minute, amount in enumerate(amounts):
        fund(player.id, amount, at=AT + timedelta(minutes=minute))
    return player.id, [row.provider_reference for row in reversed(list_deposits(player.id))]


def cases(report: Report) -> list[tuple[str, str, int | None, int | None]]:
    rows = ReconciliationCase.objects.filter(report=report).order_by(F("line").asc(nulls_last=True), "happened_at")
    return [(row.kind, row.reason, row.theirs_minor, row.ours_minor) for row in rows]


def test_payments_match_by_the_providers_id_and_by_ours() -> None:
    player_id, references = deposited("10.00", "20.00")
    report = upload(mapping(), line(references[0], "10.00"), line(str(list_deposits(player_id)[0].id), "20.00", 1))
    assert (report.state, report.rows, counts(report)) == ("done", 2, (2, 0, 0, 0, 0))
    assert cases(report) == []


def test_what_differs_is_a_case_with_both_amounts() -> None:
    player_id, references = deposited("10.00", "20.00", "30.00")
    report = upload(
        mapping(),
        line(references[0], "11.00"),
        line(references[1], "20.00", 1, "SEK"),
        line(references[2], "30.00", 2),
        line(references[2], "30.00", 2),
        line("stranger", "77.00", 2),
        "broken,x,EUR,2026-03-14T00:00:00Z",
    )
    assert counts(report) == (1, 3, 1, 0, 1)
    assert cases(report) == [
        ("differing", "other amount", 1100, 1000),
        ("differing", "other currency", 2000, 2000),
        ("differing", "listed more than once", 3000, 3000),
        ("unmatched", "not in our books", 7700, None),
    ]
    bad = ReportRow.objects.get(report=report, state="bad")
    assert (bad.line, bad.reference) == (7, "broken")
    assert "decimal string" in bad.reason
    assert set(ReconciliationCase.objects.values_list("player_id", flat=True)) == {player_id, None}


def test_without_an_id_the_amount_and_the_time_decide_and_each_of_ours_counts_once() -> None:
    deposited("10.00", "10.00", "50.00")
    report = upload(
        mapping(window_s=600),
        line("", "10.00", 2),
        line("", "10.00", 3),
        line("", "10.00", 4),
        line("", "50.00", 13),
    )
    assert counts(report) == (2, 0, 2, 1, 0)  # the deposit of 50 is eleven minutes away
    assert set(ReportRow.objects.filter(report=report, state="matched").values_list("reason", flat=True)) == {
        "by amount and time"
    }


def test_what_is_ours_alone_is_a_case_within_the_reports_period() -> None:
    _, references = deposited("1.00", "2.00", "3.00", "4.00")
    report = upload(mapping(), line(references[1], "2.00", 1), line("stranger", "9.99", 2))
    assert cases(report) == [
        ("unmatched", "not in our books", 999, None),
        ("missing", "not in their report", None, 300),
    ]


def test_a_game_providers_report_matches_by_its_keys() -> None:
    make_game()
    player = make_player()
    fund(player.id)
    bet(player.id, "5.00", key="b1", source="hub")
    bet(player.id, "6.00", key="b2", source="hub")
    bet(player.id, "7.00", key="b1", source="other")
    report = upload(mapping("games", "hub"), line("b1", "5.00"), line("nothing", "1.00", 1))
    assert counts(report) == (1, 0, 1, 1, 0)
    assert cases(report)[1] == ("missing", "not in their report", None, 600)


def test_the_same_file_is_taken_once_per_mapping() -> None:
    first, second = mapping(), mapping("games", "hub")
    upload(first, line("x", "1.00"))
    with pytest.raises(reconciliation.SameFile):
        upload(first, line("x", "1.00"))
    other = upload(second, line("x", "1.00"))
    alone = upload(first, line("x", "2.00"))
    names = dict(ReportMapping.objects.values_list("id", "name"))
    assert [name for _, name, _ in list_same_files(other.id)] == [names[first]]
    assert list_same_files(alone.id) == []
    assert Report.objects.count() == 3
    assert reconciliation.match_reports(at=AT) == 0


def test_a_file_that_cannot_be_read_fails_with_the_reason_and_the_next_goes_on() -> None:
    mapping_id = mapping()
    for content in (b"name,sum\n1,2\n", b"id,amount,currency,at\n" + line("x", "1.00").encode()):
        reconciliation.upload_report(mapping_id=mapping_id, file_name="f", content=content, actor=CLERK, at=AT)
    assert reconciliation.match_reports(at=AT) == 2
    failed, done = Report.objects.order_by("id")
    assert (failed.state, done.state) == ("failed", "done")
    assert "lacks id, amount" in failed.note
    with pytest.raises(FieldErrors):
        reconciliation.upload_report(mapping_id=mapping_id, file_name="f", content=b"", actor=CLERK, at=AT)
    with pytest.raises(AccessDenied):
        reconciliation.upload_report(mapping_id=mapping_id, file_name="f", content=b"a", actor=staff(5), at=AT)


def test_a_report_whose_worker_died_is_begun_anew_and_by_one_worker() -> None:
    _, references = deposited("10.00")
    report = upload(mapping(), line(references[0], "11.00"))
    ReconciliationCase.objects.all().delete()
    Report.objects.update(state="matching", started_at=AT)
    assert reconciliation.match_reports(at=AT + timedelta(minutes=15)) == 0
    later = AT + timedelta(minutes=16)
    assert sorted(in_parallel([lambda: reconciliation.match_reports(at=later)] * 5, 5)) == [0, 0, 0, 0, 1]
    assert len(cases(report)) == ReportRow.objects.count() == 1


def open_case() -> tuple[UUID, UUID]:
    player_id, references = deposited("10.00")
    upload(mapping(), line(references[0], "12.00"))
    return player_id, ReconciliationCase.objects.get().id


def resolve(case_id: UUID, amount: str = "", actor: object = CLERK) -> None:
    redress = Redress(Money.parse(amount, "EUR"), "Their report of March.") if amount else None
    reconciliation.resolve_case(case_id=case_id, resolution="They are right.", redress=redress, actor=actor, at=AT)  # type: ignore[arg-type]


def test_a_case_is_claimed_resolved_and_repaired_by_a_posting() -> None:
    player_id, case_id = open_case()
    reconciliation.claim_case(case_id=case_id, actor=CLERK, at=AT)
    for refused in (
        lambda: reconciliation.claim_case(case_id=case_id, actor=OTHER, at=AT),
        lambda: resolve(case_id, actor=OTHER),
    ):
        with pytest.raises(reconciliation.CaseTaken):
            refused()
    with pytest.raises(AccessDenied):
        resolve(case_id, actor=staff(1))
    resolve(case_id, "2.00")
    assert real(player_id) == "12.00"
    case = ReconciliationCase.objects.get()
    assert (case.state, case.resolution, case.resolved_by) == ("resolved", "They are right.", "staff:1")
    assert get_adjustment(case.adjustment_id).reason == "reconciliation"  # type: ignore[arg-type]
    with pytest.raises(reconciliation.CaseTaken):
        resolve(case_id)


def test_a_large_repair_waits_for_a_second_person() -> None:
    player_id, case_id = open_case()
    resolve(case_id, "500.00")
    assert real(player_id) == "10.00"
    approve(get_adjustment(ReconciliationCase.objects.get().adjustment_id), OTHER)  # type: ignore[arg-type]
    assert real(player_id) == "510.00"


def test_a_case_of_no_player_moves_no_money() -> None:
    upload(mapping(), line("stranger", "1.00"))
    case_id = ReconciliationCase.objects.get().id
    with pytest.raises(FieldErrors):
        resolve(case_id, "1.00")
    resolve(case_id)


def test_two_who_resolve_at_once_repair_once() -> None:
    player_id, case_id = open_case()

    def tried(number: int) -> str:
        try:
            resolve(case_id, "2.00", staff(number, RIGHTS | {"wallet.reconcile"}))
        except DomainError as error:
            return error.code
        return "resolved"

    answers = Counter(in_parallel([lambda n=n: tried(n) for n in range(2, 10)], 8))
    assert answers == {"resolved": 1, "case_taken": 7}
    assert real(player_id) == "12.00"


def test_what_players_are_owed_is_kept_day_by_day() -> None:
    make_game()
    player = make_player()
    fund(player.id, "100.00")
    bet(player.id, "30.00")
    today = clock.now()
    tomorrow = (today + timedelta(days=1)).replace(hour=0, minute=30)
    assert close_days(at=today.replace(hour=23)) == 0
    assert close_days(at=tomorrow) == 1
    assert close_days(at=tomorrow) == 0
    assert close_days(at=tomorrow + timedelta(days=2)) == 2
    lines = list_liability(currency="EUR")
    assert [(entry.day, str(entry.real), str(entry.whole)) for entry in lines] == [
        (today.date() + timedelta(days=ahead), "70.00", "70.00") for ahead in (2, 1, 0)
    ]
    assert fetch_one("SELECT sum(balance_minor) FROM wallet_account WHERE player_id IS NOT NULL")[0] == 7000


def test_a_day_is_closed_a_quarter_of_an_hour_after_midnight() -> None:
    midnight = AT.replace(hour=0, minute=0)
    assert closed_until(midnight + timedelta(minutes=14)) == "2026-03-13"
    assert closed_until(midnight + timedelta(minutes=15)) == "2026-03-14"
