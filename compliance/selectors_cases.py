"""Reads of review cases."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q

from compliance.models_cases import ReviewCase
from compliance.types_cases import CaseDetails, CaseKind, CaseState, QueueLength
from kernel.errors import NotFound


def get_case(case_id: UUID) -> CaseDetails:
    """Raises: NotFound."""
    row = ReviewCase.objects.filter(id=case_id).first()
    if row is None:
        raise NotFound(f"There is no review case {case_id}.")
    return details(row)


def list_cases(
    *, kind: CaseKind | None = None, player_id: UUID | None = None, open_only: bool = True
) -> list[CaseDetails]:
    """Those that are due first come first."""
    rows = ReviewCase.objects.all()
    if open_only:
        rows = rows.exclude(state=CaseState.RESOLVED)
    if kind:
        rows = rows.filter(kind=kind)
    if player_id:
        rows = rows.filter(player_id=player_id)
    return [details(row) for row in rows.order_by("due_at", "id")]


def count_waiting(at: datetime) -> QueueLength:
    """Review cases that are not resolved, taken or not."""
    late = Count("id", filter=Q(due_at__lte=at))
    return QueueLength(**ReviewCase.objects.exclude(state=CaseState.RESOLVED).aggregate(waiting=Count("id"), late=late))


def details(row: ReviewCase) -> CaseDetails:
    """A row as other apps see it."""
    return CaseDetails(
        id=row.id,
        kind=CaseKind(row.kind),
        player_id=row.player_id,
        key=row.key,
        facts=row.facts,
        state=CaseState(row.state),
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        due_at=row.due_at,
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        resolved_by=row.resolved_by,
        resolved_at=row.resolved_at,
        outcome=row.outcome,
        comment=row.comment,
    )
