"""Reads of corrections and disputes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import Abs

from kernel.errors import NotFound
from kernel.money import Money
from wallet.models_adjustments import Adjustment, Dispute
from wallet.types_adjustments import AdjustmentDetails, AdjustmentNature, AdjustmentState, DisputeDetails, DisputeState


def get_adjustment(adjustment_id: UUID) -> AdjustmentDetails:
    """Raises: NotFound."""
    row = Adjustment.objects.filter(id=adjustment_id).first()
    if row is None:
        raise NotFound(f"There is no adjustment {adjustment_id}.")
    return adjustment_details(row)


def list_adjustments(player_id: UUID, limit: int = 50) -> list[AdjustmentDetails]:
    """Newest first."""
    return [adjustment_details(row) for row in Adjustment.objects.filter(player_id=player_id).order_by("-id")[:limit]]


def sum_unapproved(player_id: UUID, actor_id: str, since: datetime, currency: str) -> Money:
    """What one person has moved for the player since then without a second person, either way."""
    rows = Adjustment.objects.filter(
        player_id=player_id, requested_by=actor_id, approval=None, requested_at__gt=since, currency=currency
    )
    return Money(rows.aggregate(total=Sum(Abs("amount_minor")))["total"] or 0, currency)


def get_dispute(dispute_id: UUID) -> DisputeDetails:
    """Raises: NotFound."""
    row = Dispute.objects.filter(id=dispute_id).first()
    if row is None:
        raise NotFound(f"There is no dispute {dispute_id}.")
    return dispute_details(row)


def list_disputes(player_id: UUID, limit: int = 50) -> list[DisputeDetails]:
    """Newest first."""
    return [dispute_details(row) for row in Dispute.objects.filter(player_id=player_id).order_by("-id")[:limit]]


def adjustment_details(row: Adjustment) -> AdjustmentDetails:
    return AdjustmentDetails(
        id=row.id,
        player_id=row.player_id,
        purse_id=row.purse_id,
        nature=AdjustmentNature(row.nature),
        amount=Money(row.amount_minor, row.currency),
        reason=row.reason,
        evidence=row.evidence,
        reference=row.reference,
        state=AdjustmentState(row.state),
        approval_id=row.approval_id,
        transfer_id=row.transfer_id,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        settled_at=row.settled_at,
    )


def dispute_details(row: Dispute) -> DisputeDetails:
    return DisputeDetails(
        id=row.id,
        player_id=row.player_id,
        subject=row.subject,
        story=row.story,
        reference=row.reference,
        claimed=None if row.claimed_minor is None else Money(row.claimed_minor, row.currency),
        state=DisputeState(row.state),
        assignee=row.assignee,
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        resolution=row.resolution,
        settled_by=row.settled_by,
        settled_at=row.settled_at,
        adjustment_id=row.adjustment_id,
    )
