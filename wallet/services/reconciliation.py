"""The reconciliation desk: reports of providers against our books, and cases for what differs.

A row is matched by its id (the provider's or ours); without one by the same amount within the mapping's time window,
each of ours once. Deposits answer to payment providers, movements of an integration to game providers.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from events.services.log import holding
from kernel.access import require
from kernel.actors import Actor
from kernel.db import fetch_all, fetch_one
from kernel.errors import DomainError, FieldErrors, NotFound
from wallet import rules_reports as rules
from wallet.models_reconciliation import ReconciliationCase, Report, ReportMapping, ReportRow
from wallet.services.adjustments import adjust
from wallet.services.disputes import Redress
from wallet.types_reconciliation import CaseKind, CaseState, ReportSide, ReportState, RowState

RECONCILE = "wallet.reconcile"
MAX_FILE_BYTES = 50 * 1024 * 1024

_BATCH = 2_000
# A report whose worker died is taken up again after this.
_GIVEN_UP = timedelta(minutes=15)

# Ours, by side: id, the names it goes by, player, amount, currency, moment. Parameters: source, since, until.
_OURS = {
    ReportSide.PAYMENTS: """
        SELECT d.id, d.player_id, d.amount_minor, d.currency, d.settled_at AS happened_at, d.provider_reference AS reference
        FROM wallet_deposit d WHERE d.provider = %(source)s AND d.state = 'made'
          AND d.settled_at >= %(since)s AND d.settled_at <= %(until)s""",
    ReportSide.GAMES: """
        SELECT t.id, t.player_id, t.amount_minor, t.currency, t.occurred_at AS happened_at, t.reference
        FROM wallet_transfer t WHERE t.source = %(source)s
          AND t.occurred_at >= %(since)s AND t.occurred_at <= %(until)s""",
}
_BY_ID = {
    ReportSide.PAYMENTS: """
        SELECT r.id AS row_id, d.id, d.player_id, d.amount_minor, d.currency FROM wallet_reportrow r
        JOIN wallet_deposit d ON d.provider = %(source)s AND d.state = 'made'
            AND (d.provider_reference = r.reference OR d.id::text = r.reference)
        WHERE r.report_id = %(report)s AND r.state = 'new' AND r.reference <> ''""",
    ReportSide.GAMES: """
        SELECT r.id AS row_id, t.id, t.player_id, t.amount_minor, t.currency FROM wallet_reportrow r
        JOIN wallet_transferkey k ON k.key = r.reference AND k.source = %(source)s
        JOIN wallet_transfer t ON t.id = k.transfer_id
        WHERE r.report_id = %(report)s AND r.state = 'new'""",
}


class SameFile(DomainError):
    """This file was uploaded before."""

    code = "same_file"
    title = "This file was uploaded before"
    status = 409


class CaseTaken(DomainError):
    """Somebody else works on it, or it is resolved."""

    code = "case_taken"
    title = "Somebody else works on this, or it is resolved"
    status = 409


def upload_report(*, mapping_id: UUID, file_name: str, content: bytes, actor: Actor, at: datetime) -> UUID:
    """Keep a file for matching; its report's id. ``match_reports`` works it.

    Raises: AccessDenied, FieldErrors, SameFile.
    """
    require(actor, RECONCILE)
    if not 0 < len(content) <= MAX_FILE_BYTES:
        raise FieldErrors({"file": [f"The file must hold something, and at most {MAX_FILE_BYTES >> 20} MiB."]})
    digest = hashlib.sha256(content).digest()
    report, made = Report.objects.get_or_create(
        mapping_id=mapping_id,
        digest=digest,
        defaults={
            "file_name": file_name[:200],
            "content": zlib.compress(content),
            "bytes_whole": len(content),
            "uploaded_by": str(actor),
            "uploaded_at": at,
        },
    )
    if not made:
        raise SameFile(
            f"This file was uploaded before, as {report.file_name} on {report.uploaded_at:%Y-%m-%d}.",
            report_id=str(report.id),
        )
    return report.id


def match_reports(*, at: datetime) -> int:
    """Work all reports that wait, or whose worker died; how many. Several workers never take the same one."""
    worked = 0
    while report_id := _take(at):
        report = Report.objects.select_related("mapping").get(id=report_id)
        try:
            _read(report)
            with transaction.atomic():
                _match(report)
        except rules.UnreadableReport as error:
            Report.objects.filter(id=report_id).update(state=ReportState.FAILED, note=str(error), finished_at=at)
        else:
            Report.objects.filter(id=report_id).update(state=ReportState.DONE, finished_at=at)
        worked += 1
    return worked


def claim_case(*, case_id: UUID, actor: Actor, at: datetime) -> None:
    """Take a case in hand. Raises: NotFound, AccessDenied, CaseTaken."""
    with _working(case_id, actor) as case:
        case.state, case.claimed_by, case.claimed_at = CaseState.CLAIMED, str(actor), at
        case.save(update_fields=["state", "claimed_by", "claimed_at"])


def resolve_case(*, case_id: UUID, resolution: str, actor: Actor, at: datetime, redress: Redress | None = None) -> None:
    """Close a case, with a correction of the player's real-money purse where the books are wrong.

    The correction is asked for in the same transaction and may wait for approval.
    Raises: NotFound, AccessDenied, CaseTaken, FieldErrors, and what ``adjust`` raises.
    """
    if not resolution.strip():
        raise FieldErrors({"resolution": ["Say what was found and done."]})
    with _working(case_id, actor) as case:
        if redress and case.player_id is None:
            raise FieldErrors({"amount": ["This case belongs to no player: correct the right player's purse."]})
        if redress:
            case.adjustment_id = adjust(
                player_id=case.player_id,  # type: ignore[arg-type]
                amount=redress.amount,
                reason="reconciliation",
                evidence=redress.evidence,
                reference=f"case {case.id}",
                actor=actor,
                idempotency_key=f"case:{case.id}",
                at=at,
            ).id
        case.state, case.resolution, case.resolved_by, case.resolved_at = CaseState.RESOLVED, resolution, str(actor), at
        case.claimed_by = case.claimed_by or str(actor)
        case.save()


@contextmanager
def _working(case_id: UUID, actor: Actor) -> Iterator[ReconciliationCase]:
    require(actor, RECONCILE)
    found = ReconciliationCase.objects.filter(id=case_id).first()
    if found is None:
        raise NotFound(f"There is no case {case_id}.")
    require(actor, RECONCILE, found)
    with holding(found.player_id) if found.player_id else transaction.atomic():
        case = ReconciliationCase.objects.select_for_update().get(id=case_id)
        if case.state == CaseState.RESOLVED or case.claimed_by not in ("", str(actor)):
            raise CaseTaken(f"It is {case.state}, by {case.resolved_by or case.claimed_by}.")
        yield case


def _take(at: datetime) -> UUID | None:
    rows = fetch_all(
        """UPDATE wallet_report SET state = 'matching', started_at = %(at)s, bytes_read = 0, rows = 0 WHERE id = (
               SELECT id FROM wallet_report
               WHERE state = 'waiting' OR (state = 'matching' AND started_at < %(given_up)s)
               ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id""",
        {"at": at, "given_up": at - _GIVEN_UP},
    )
    return rows[0]["id"] if rows else None


def _read(report: Report) -> None:
    """Lines into rows, in batches that commit, so that progress is seen. A half-read report begins anew."""
    ReportRow.objects.filter(report=report).delete()
    mapping: ReportMapping = report.mapping
    text = rules.decode(zlib.decompress(bytes(report.content)), mapping.encoding)
    columns = rules.Columns(
        mapping.reference_column,
        mapping.amount_column,
        mapping.time_column,
        mapping.currency_column,
        mapping.currency,
        mapping.time_format,
        mapping.decimal_comma,
    )
    lines = rules.read_lines(text, columns, mapping.delimiter)
    total_lines = text.count("\n") + 1
    while batch := list(islice(lines, _BATCH)):
        ReportRow.objects.bulk_create(
            ReportRow(
                report=report,
                line=line.number,
                reference=line.reference,
                amount_minor=abs(line.amount.amount_minor) if line.amount else None,
                currency=line.amount.currency if line.amount else "",
                happened_at=line.happened_at,
                state=RowState.BAD if line.error else RowState.NEW,
                reason=line.error,
            )
            for line in batch
        )
        report.rows += len(batch)
        report.bytes_read = min(report.bytes_whole, report.bytes_whole * batch[-1].number // total_lines)
        report.save(update_fields=["rows", "bytes_read"])


def _match(report: Report) -> None:
    params: dict[str, Any] = {"report": report.id, "source": report.mapping.source}
    side = ReportSide(report.mapping.side)
    _execute(
        f"""UPDATE wallet_reportrow r SET subject_id = o.id, player_id = o.player_id, ours_minor = o.amount_minor,
               state = CASE WHEN o.turn > 1 OR o.amount_minor <> r.amount_minor OR o.currency <> r.currency
                            THEN 'differing' ELSE 'matched' END,
               reason = CASE WHEN o.turn > 1 THEN 'listed more than once' WHEN o.currency <> r.currency THEN 'other currency'
                             WHEN o.amount_minor <> r.amount_minor THEN 'other amount' ELSE '' END
            FROM (SELECT f.*, row_number() OVER (PARTITION BY f.id ORDER BY row_id) AS turn
                  FROM ({_BY_ID[side]}) f) o WHERE r.id = o.row_id""",
        params,
    )
    first, last = fetch_one(
        "SELECT min(happened_at), max(happened_at) FROM wallet_reportrow WHERE report_id = %s AND state <> 'bad'",
        [report.id],
    )
    if first:
        _match_by_amount(report, side, params, first, last)
    ReportRow.objects.filter(report=report, state=RowState.NEW).update(
        state=RowState.UNMATCHED, reason="not in our books"
    )
    _open_cases(params)
    if first:
        _open_missing(side, params | {"since": first, "until": last})
    counts = fetch_all(
        """SELECT count(*) FILTER (WHERE state = 'matched') AS matched, count(*) FILTER (WHERE state = 'bad') AS bad,
                  count(*) FILTER (WHERE state = 'differing') AS differing,
                  count(*) FILTER (WHERE state = 'unmatched') AS unmatched FROM wallet_reportrow WHERE report_id = %s""",
        [report.id],
    )[0]
    missing = ReconciliationCase.objects.filter(report=report, kind=CaseKind.MISSING).count()
    Report.objects.filter(id=report.id).update(**counts, missing=missing, bytes_read=report.bytes_whole)


def _match_by_amount(report: Report, side: ReportSide, params: dict[str, Any], first: datetime, last: datetime) -> None:
    """What has no known id: the same amount, nearest in time, each of ours once."""
    left = list(ReportRow.objects.filter(report=report, state=RowState.NEW).order_by("happened_at", "line"))
    if not left:
        return
    window = timedelta(seconds=report.mapping.window_s)
    free: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for ours in fetch_all(_unmatched_ours(side), params | {"since": first - window, "until": last + window}):
        free[ours["amount_minor"], ours["currency"]].append(ours)
    for row in left:
        near = free[row.amount_minor or 0, row.currency]
        best = min(near, key=lambda ours: abs(ours["happened_at"] - row.happened_at), default=None)
        if best and row.happened_at and abs(best["happened_at"] - row.happened_at) <= window:
            near.remove(best)
            row.subject_id, row.player_id, row.ours_minor = best["id"], best["player_id"], best["amount_minor"]
            row.state, row.reason = RowState.MATCHED, "by amount and time"
    found = [row for row in left if row.state == RowState.MATCHED]
    ReportRow.objects.bulk_update(found, ["subject_id", "player_id", "ours_minor", "state", "reason"], batch_size=500)


def _unmatched_ours(side: ReportSide) -> str:
    return f"""SELECT o.* FROM ({_OURS[side]}) o WHERE NOT EXISTS (
        SELECT FROM wallet_reportrow r WHERE r.report_id = %(report)s AND r.subject_id = o.id)"""


def _open_cases(params: dict[str, Any]) -> None:
    _execute(
        """INSERT INTO wallet_reconciliationcase (id, report_id, kind, line, reference, reason, player_id, subject_id,
               theirs_minor, ours_minor, currency, happened_at, state, claimed_by, resolution, resolved_by)
           SELECT kernel_uuid7(), report_id, state, line, reference, reason, player_id, subject_id, amount_minor, ours_minor,
                  currency, happened_at, 'open', '', '', ''
           FROM wallet_reportrow WHERE report_id = %(report)s AND state IN ('differing', 'unmatched') ORDER BY line""",
        params,
    )


def _open_missing(side: ReportSide, params: dict[str, Any]) -> None:
    _execute(
        f"""INSERT INTO wallet_reconciliationcase (id, report_id, kind, reference, reason, player_id, subject_id, ours_minor,
               currency, happened_at, state, claimed_by, resolution, resolved_by)
            SELECT kernel_uuid7(), %(report)s, 'missing', o.reference, 'not in their report', o.player_id, o.id,
                   o.amount_minor, o.currency, o.happened_at, 'open', '', '', ''
            FROM ({_unmatched_ours(side)}) o ORDER BY o.happened_at""",
        params,
    )


def _execute(sql: str, params: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
