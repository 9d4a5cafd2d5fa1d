"""Reads of compliance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from compliance.models import Approval
from compliance.rules import CLAIM_STANDS
from compliance.types import ApprovalDetails, ApprovalState
from kernel.access import Subject
from kernel.errors import NotFound
from kernel.money import Money


def get_approval(approval_id: UUID) -> ApprovalDetails:
    """Raises: NotFound."""
    row = Approval.objects.filter(id=approval_id).first()
    if row is None:
        raise NotFound(f"There is no approval {approval_id}.")
    return details(row)


def list_approvals(
    *,
    state: ApprovalState | None = None,
    kind: str = "",
    player_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[ApprovalDetails]:
    """Newest first, older than ``before``."""
    rows = Approval.objects.order_by("-id")
    if state:
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    if player_id:
        rows = rows.filter(player_id=player_id)
    if before:
        rows = rows.filter(id__lt=before)
    return [details(row) for row in rows[:limit]]


def about(player_id: UUID | None, content: Mapping[str, Any]) -> Subject:
    """What policies look at: whose account it is and how much, where the content says ``amount`` and ``currency``."""
    amount, currency = content.get("amount"), content.get("currency")
    money = Money.parse(amount, currency) if isinstance(amount, str) and isinstance(currency, str) else None
    return Subject(player_id=player_id, amount=money)


def list_next_open(*, kinds: list[str], actor_id: str, at: datetime, limit: int = 50) -> list[ApprovalDetails]:
    """What ``actor_id`` ("staff:7") could decide next: what expires first comes first, without what they asked for
    themselves and what is in somebody else's hands."""
    free = Q(claimed_at=None) | Q(claimed_at__lte=at - CLAIM_STANDS) | Q(claimed_by=actor_id)
    rows = Approval.objects.filter(free, state=ApprovalState.REQUESTED, kind__in=kinds, expires_at__gt=at)
    return [details(row) for row in rows.exclude(requested_by=actor_id).order_by("expires_at", "id")[:limit]]


def count_open(*, kinds: list[str], at: datetime) -> int:
    return Approval.objects.filter(state=ApprovalState.REQUESTED, kind__in=kinds, expires_at__gt=at).count()


def details(row: Approval) -> ApprovalDetails:
    return ApprovalDetails(
        id=row.id,
        kind=row.kind,
        player_id=row.player_id,
        subject=row.subject,
        content=row.content,
        before=row.before,
        after=row.after,
        digest=bytes(row.digest).hex(),
        comment=row.comment,
        state=ApprovalState(row.state),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_comment=row.decision_comment,
        result=row.result,
        decided_for=row.decided_for,
    )
