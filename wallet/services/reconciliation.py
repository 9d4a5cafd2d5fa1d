"""The reconciliation desk: reports of providers against our books, and cases for what differs.

A row is matched by its id (the provider's or ours); without one by the same amount within the mapping's time window,
each of ours once (``rules_matching``). Deposits, chargebacks, payouts and payouts that came back answer to payment
providers, movements of an integration to game providers. Providers' own fees are noted and summed, not compared.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from events.audit import record
from events.services.log import holding
from kernel.access import require
from kernel.actors import Actor
from kernel.currencies import EXPONENTS
from kernel.db import fetch_all
from kernel.errors import DomainError, FieldErrors, NotFound
from kernel.ids import uuid7
from kernel.pan import refuse_pans
from wallet import rules_reports as rules
from wallet.models_reconciliation import ReconciliationCase, Report, ReportMapping, ReportRow
from wallet.rules_matching import COVERED, FEE, Match, Matching, Ours, Theirs
from wallet.services.adjustments import adjust
from wallet.services.disputes import Redress
from wallet.services.reconciliation_books import list_ours
from wallet.types_reconciliation import CaseKind, CaseState, MappingTerms, ReportSide, ReportState, RowState

RECONCILE = "wallet.reconcile"
MAX_FILE_BYTES = 50 * 1024 * 1024

_BATCH = 2_000
# A report whose worker died is taken up again after this.
_GIVEN_UP = timedelta(minutes=15)


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


def save_mapping(*, terms: MappingTerms, mapping_id: UUID | None = None, actor: Actor, at: datetime) -> UUID:
    """Keep how a provider's file is read, anew or in place of what ``mapping_id`` says; the mapping's id.

    Counts for files that are uploaded from then on. A name is given once, so that a retry makes no second mapping.
    Raises: AccessDenied, NotFound, FieldErrors.
    """
    require(actor, RECONCILE)
    refuse_pans(name=terms.name, source=terms.source)
    with transaction.atomic():
        row = ReportMapping.objects.select_for_update().filter(id=mapping_id).first() if mapping_id else ReportMapping()
        if row is None:
            raise NotFound(f"There is no mapping {mapping_id}.")
        before = _shown(row) if mapping_id else {}
        for name, value in asdict(terms).items():
            setattr(row, name, list(value) if isinstance(value, tuple) else value)
        _check(row)
        row.save()
        after = _shown(row)
        changed = [name for name in after if after[name] != before.get(name, "")]
        record(
            action="wallet.save_mapping",
            actor=actor,
            at=at,
            object_type="wallet.reportmapping",
            object_id=str(row.id),
            before={name: before[name] for name in changed if name in before},
            after={name: after[name] for name in changed},
        )
    return row.id


def ensure_mapping(*, terms: MappingTerms, actor: Actor, at: datetime) -> UUID:
    """Keep how a provider's file is read, unless a mapping of this name is there, which stays; its id.

    Raises: AccessDenied, FieldErrors.
    """
    require(actor, RECONCILE)
    there = ReportMapping.objects.filter(name=terms.name).first()
    return there.id if there else save_mapping(terms=terms, actor=actor, at=at)


def _shown(mapping: ReportMapping) -> dict[str, str]:
    return {item.name: str(getattr(mapping, item.name)) for item in fields(MappingTerms)}


def _check(mapping: ReportMapping) -> None:
    errors: dict[str, list[str]] = {}
    try:
        mapping.full_clean()
    except ValidationError as error:
        errors = error.message_dict
    if bool(mapping.currency) == bool(mapping.currency_column):
        errors["currency"] = ["Name either the column that holds the currency, or the currency of all rows."]
    elif mapping.currency and mapping.currency not in EXPONENTS:
        errors["currency"] = ["Use an ISO 4217 code, such as EUR."]
    if unknown := sorted({*mapping.covers} - {*COVERED}):
        errors["covers"] = [f"{', '.join(unknown)}: choose among {', '.join(COVERED)}."]
    if unknown := sorted({*mapping.kinds.values()} - {*COVERED, FEE}):
        errors["kinds"] = [f"{', '.join(unknown)}: choose among {', '.join((*COVERED, FEE))}."]
    elif bool(mapping.kind_column) != bool(mapping.kinds):
        errors["kinds"] = ["Name the column and its words, or neither."]
    if errors:
        raise FieldErrors(errors)


def upload_report(*, mapping_id: UUID, file_name: str, content: bytes, actor: Actor, at: datetime) -> UUID:
    """Keep a file for matching; its report's id. ``match_reports`` works it.

    Card numbers in it are masked before anything is kept; its hash is that of the file as it came.
    Raises: AccessDenied, FieldErrors, SameFile.
    """
    require(actor, RECONCILE)
    refuse_pans(file=file_name)
    if not 0 < len(content) <= MAX_FILE_BYTES:
        raise FieldErrors({"file": [f"The file must hold something, and at most {MAX_FILE_BYTES >> 20} MiB."]})
    digest = hashlib.sha256(content).digest()
    with transaction.atomic():
        report, made = Report.objects.get_or_create(
            mapping_id=mapping_id,
            digest=digest,
            defaults={
                "file_name": file_name[:200],
                "content": zlib.compress(rules.mask_file(content, _encoding(mapping_id))),
                "bytes_whole": len(content),
                "uploaded_by": str(actor),
                "uploaded_at": at,
            },
        )
        if made:
            record(
                action="wallet.upload_report",
                actor=actor,
                at=at,
                object_type="wallet.report",
                object_id=str(report.id),
                after={"file": report.file_name, "sha256": digest.hex()},
            )
    if not made:
        raise SameFile(
            f"This file was uploaded before, as {report.file_name} on {report.uploaded_at:%Y-%m-%d}.",
            report_id=str(report.id),
        )
    return report.id


def _encoding(mapping_id: UUID) -> str:
    return ReportMapping.objects.values_list("encoding", flat=True).get(id=mapping_id)


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
        _record("claim_case", case, "", {"state": case.state}, actor, at)


def resolve_case(*, case_id: UUID, resolution: str, actor: Actor, at: datetime, redress: Redress | None = None) -> None:
    """Close a case, with a correction of the player's real-money purse where the books are wrong.

    The correction is asked for in the same transaction and may wait for approval.
    Raises: NotFound, AccessDenied, CaseTaken, FieldErrors, and what ``adjust`` raises.
    """
    if not resolution.strip():
        raise FieldErrors({"resolution": ["Say what was found and done."]})
    refuse_pans(resolution=resolution)
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
        _record("resolve_case", case, resolution, {"adjustment": str(case.adjustment_id or "none")}, actor, at)


def _record(
    deed: str, case: ReconciliationCase, reason: str, after: dict[str, str], actor: Actor, at: datetime
) -> None:
    record(
        action=f"wallet.{deed}",
        actor=actor,
        at=at,
        player_id=case.player_id,
        object_type="wallet.reconciliationcase",
        object_id=str(case.id),
        reason=reason,
        after=after,
    )


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
    payments = mapping.side == ReportSide.PAYMENTS
    columns = rules.Columns(
        reference=mapping.reference_column,
        amount=mapping.amount_column,
        time=mapping.time_column,
        currency=mapping.currency_column,
        fixed_currency=mapping.currency,
        time_format=mapping.time_format,
        decimal_comma=mapping.decimal_comma,
        kind=mapping.kind_column if payments else "",
        kinds=mapping.kinds,
        covers=tuple(mapping.covers) if payments else (),
        fee=mapping.fee_column,
        net=mapping.net,
    )
    lines = rules.read_lines(text, columns, mapping.delimiter)
    total_lines = text.count("\n") + 1
    while batch := list(islice(lines, _BATCH)):
        with connection.cursor() as cursor, cursor.copy(_COPY_ROWS) as copy:
            for line in batch:
                copy.write_row(_copied(report.id, line))
        report.rows += len(batch)
        report.bytes_read = min(report.bytes_whole, report.bytes_whole * batch[-1].number // total_lines)
        report.save(update_fields=["rows", "bytes_read"])


_COPY_ROWS = """COPY wallet_reportrow (id, report_id, line, reference, amount_minor, currency, kind, fee_minor, happened_at,
    state, reason) FROM STDIN"""


def _copied(report_id: UUID, line: rules.Line) -> tuple[object, ...]:
    money = line.amount or line.fee
    state = RowState.BAD if line.error else RowState.FEE if line.kind == FEE else RowState.NEW
    return (
        uuid7(),
        report_id,
        line.number,
        line.reference,
        line.amount.amount_minor if line.amount else None,
        money.currency if money else "",
        line.kind,
        line.fee.amount_minor if line.fee else 0,
        line.happened_at,
        str(state),
        line.error,
    )


def _match(report: Report) -> None:
    """The whole report against the books; what differs becomes cases. Read once, written set by set."""
    mapping: ReportMapping = report.mapping
    rows = [
        Theirs(*row)  # type: ignore[arg-type]  # new rows have an amount and a moment
        for row in ReportRow.objects.filter(report=report, state=RowState.NEW)
        .order_by("line")
        .values_list("id", "line", "reference", "amount_minor", "currency", "happened_at", "kind")
    ]
    if rows:
        first, last = min(row.happened_at for row in rows), max(row.happened_at for row in rows)
        window = timedelta(seconds=mapping.window_s)
        ours = list_ours(
            side=ReportSide(mapping.side),
            source=mapping.source,
            covers=mapping.covers,
            since=first - window,
            until=last + window,
            names={row.reference for row in rows if row.reference},
        )
        matching = Matching(ours, window, mapping.tolerance_minor)
        _keep_matches(matching.run(rows))
        _open_cases(report.id)
        _open_missing(report.id, matching.missing(first, last))
    counts = fetch_all(
        """SELECT count(*) FILTER (WHERE state = 'matched') AS matched, count(*) FILTER (WHERE state = 'bad') AS bad,
                  count(*) FILTER (WHERE state = 'differing') AS differing,
                  count(*) FILTER (WHERE state = 'unmatched') AS unmatched FROM wallet_reportrow WHERE report_id = %s""",
        [report.id],
    )[0]
    missing = ReconciliationCase.objects.filter(report=report, kind=CaseKind.MISSING).count()
    Report.objects.filter(id=report.id).update(**counts, missing=missing, bytes_read=report.bytes_whole)


def _keep_matches(matches: list[Match]) -> None:
    remaining = iter(matches)
    while some := list(islice(remaining, _BATCH)):
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE wallet_reportrow r SET state = m.state, reason = m.reason, subject_id = m.subject,
                          player_id = m.player, ours_minor = m.amount, kind = coalesce(nullif(m.kind, ''), r.kind)
                   FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::uuid[], %s::bigint[], %s::text[])
                        AS m (id, state, reason, subject, player, amount, kind) WHERE r.id = m.id""",
                [
                    [match.row_id for match in some],
                    [str(match.state) for match in some],
                    [match.reason for match in some],
                    [match.ours and match.ours.id for match in some],
                    [match.ours and match.ours.player_id for match in some],
                    [match.ours and match.ours.amount_minor for match in some],
                    [match.ours.kind if match.ours else "" for match in some],
                ],
            )


def _open_cases(report_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO wallet_reconciliationcase (id, report_id, kind, what, line, reference, reason, player_id, subject_id,
                   theirs_minor, ours_minor, currency, happened_at, state, claimed_by, resolution, resolved_by)
               SELECT kernel_uuid7(), report_id, state, kind, line, reference, reason, player_id, subject_id, amount_minor,
                      ours_minor, currency, happened_at, 'open', '', '', ''
               FROM wallet_reportrow WHERE report_id = %s AND state IN ('differing', 'unmatched') ORDER BY line""",
            [report_id],
        )


def _open_missing(report_id: UUID, missing: list[Ours]) -> None:
    ReconciliationCase.objects.bulk_create(
        (
            ReconciliationCase(
                report_id=report_id,
                kind=CaseKind.MISSING,
                what=ours.kind,
                reference=min(ours.references, default="", key=lambda name: name == str(ours.id)),
                reason="not in their report",
                player_id=ours.player_id,
                subject_id=ours.id,
                ours_minor=ours.amount_minor,
                currency=ours.currency,
                happened_at=ours.happened_at,
            )
            for ours in missing
        ),
        batch_size=_BATCH,
    )
