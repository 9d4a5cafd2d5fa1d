"""What staff do at the desks is on the audit trail: who took what in hand, who asked for a file and who took it along."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from events.selectors import list_player_events
from events.selectors_audit import list_audit
from events.types import AuditEntry, AuditQuery
from kernel import clock
from kernel.actors import Actor, ActorKind
from tests.factories import AT, make_player
from tests.staff import staff_client
from tests.wallet.payments import instrument, pay_in, withdraw
from wallet.models_reconciliation import ReconciliationCase
from wallet.services import period_exports, reconciliation
from wallet.services.disputes import WORK, investigate, open_dispute
from wallet.services.exports import EXPORT
from wallet.services.reconciliation import RECONCILE
from wallet.services.withdrawal_claims import DECIDE, claim_withdrawal, release_withdrawal
from wallet.types_exports import ExportFilter
from wallet.types_reconciliation import MappingTerms, ReportSide

pytestmark = pytest.mark.usefixtures("db")

RIGHTS = frozenset({EXPORT, RECONCILE, WORK, DECIDE})
FIRST, SECOND = (Actor(ActorKind.STAFF, str(number), RIGHTS) for number in (901, 902))


def trail(object_type: str) -> list[AuditEntry]:
    """Oldest first."""
    return [row for row in reversed(list_audit(AuditQuery())) if row.object_type == object_type]


def test_claims_of_withdrawals() -> None:
    player = make_player()
    pay_in(player.id, "20000.00")
    found = withdraw(player.id, "6000.00")
    claim_withdrawal(withdrawal_id=found.id, actor=FIRST, at=AT)
    release_withdrawal(withdrawal_id=found.id, actor=FIRST, at=AT)
    rows = trail("wallet.withdrawal")
    assert [row.action for row in rows] == ["wallet.claim_withdrawal", "wallet.release_withdrawal"]
    assert {(row.player_id, row.object_id, row.actor_id) for row in rows} == {(player.id, str(found.id), "901")}


def test_cases_are_claimed_and_disputes_taken_over_by_name() -> None:
    terms = MappingTerms(
        "m", ReportSide.PAYMENTS, "sandbox", "id", amount_column="amount", time_column="at", currency_column="currency",
        kind_column="type", kinds={"charge": "deposit"},
    )  # fmt: skip
    mapping = reconciliation.ensure_mapping(terms=terms, actor=FIRST, at=AT)
    content = f"id,type,amount,at,currency\nx,charge,1.00,{AT.isoformat()},EUR\n".encode()
    reconciliation.upload_report(mapping_id=mapping, file_name="f.csv", content=content, actor=FIRST, at=AT)
    reconciliation.match_reports(at=AT)
    reconciliation.claim_case(case_id=ReconciliationCase.objects.get().id, actor=FIRST, at=AT)
    assert [row.action for row in trail("wallet.reconciliationcase")] == ["wallet.claim_case"]
    dispute = open_dispute(
        player_id=make_player().id, subject="A win", story="Not paid.", actor=FIRST, idempotency_key="d", at=AT
    )
    investigate(dispute_id=dispute.id, actor=FIRST, at=AT)
    investigate(dispute_id=dispute.id, actor=FIRST, at=AT)
    investigate(dispute_id=dispute.id, actor=SECOND, at=AT, take_over=True)
    rows = trail("wallet.dispute")
    assert [row.action.removeprefix("wallet.") for row in rows] == [
        "open_dispute",
        "investigate_dispute",
        "take_over_dispute",
    ]
    assert (rows[-1].before, rows[-1].after["assignee"]) == ({"assignee": "staff:901"}, "staff:902")  # type: ignore[index]


def test_exports_from_the_wish_to_the_download(settings: Any, tmp_path: Path) -> None:
    settings.EXPORTS_PATH = tmp_path
    at = clock.now()
    wanted = ExportFilter(at - timedelta(days=1), at + timedelta(minutes=1))
    kept, dropped = (period_exports.request_export(wanted=wanted, actor=FIRST, at=at) for _ in range(2))
    for _ in range(2):
        period_exports.cancel_export(export_id=dropped, actor=FIRST, at=at)
    period_exports.write_exports(at=at)
    answer = staff_client("finance").get(f"/admin/wallet/transferexport/{kept}/file.csv")
    assert answer.status_code == 200
    rows = trail("wallet.transferexport")
    assert [(row.action.removeprefix("wallet."), row.object_id) for row in rows] == [
        ("request_export", str(kept)),
        ("request_export", str(dropped)),
        ("cancel_export", str(dropped)),
        ("download_export", str(kept)),
    ]
    assert len(rows[-1].after["sha256"]) == 64  # type: ignore[index]


def test_an_instrument_to_be_paid_to_is_told_to_everybody_who_has_to_know() -> None:
    player = make_player(email="anna@example.com")
    new = instrument(player.id, "tok_ok~4242")
    (event,) = [row for row in list_player_events(player.id, limit=50) if "instrument" in row.type]
    assert (event.payload["instrument_id"], event.payload["provider"]) == (str(new.id), "sandbox")
    (row,) = list_audit(AuditQuery(action="wallet.register_instrument", player_id=player.id))
    assert row.object_id == str(new.id)
    (told,) = mail.outbox
    assert told.to == ["anna@example.com"]
    assert new.label in told.body
    assert instrument(player.id, "tok_ok~4242").id == new.id
    pay_in(player.id, "20.00")
    assert len(mail.outbox) == 1, "neither the one that is known, nor one that pays in"
