"""Reads of exclusions, requests to end them and register checks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from compliance.models_exclusions import EndRequest, Exclusion, RegisterCheck
from compliance.types_exclusion import (
    EndRequestDetails,
    EndRequestState,
    ExclusionDetails,
    ExclusionKind,
    RegisterCheckDetails,
    RegisterMoment,
    RegisterOutcome,
)
from kernel.errors import NotFound


def standing_exclusions(at: datetime) -> QuerySet[Exclusion]:
    """Exclusions in force at this moment."""
    return Exclusion.objects.filter(
        Q(active_until=None) | Q(active_until__gt=at), Q(ended_at=None) | Q(ended_at__gt=at), active_from__lte=at
    )


def get_exclusion(exclusion_id: UUID) -> ExclusionDetails:
    """Raises: NotFound."""
    row = Exclusion.objects.filter(id=exclusion_id).first()
    if row is None:
        raise NotFound(f"There is no exclusion {exclusion_id}.")
    return exclusion_details(row)


def list_exclusions(
    *, player_id: UUID | None = None, standing_at: datetime | None = None, before: UUID | None = None, limit: int = 50
) -> list[ExclusionDetails]:
    """Newest first, older than ``before`` (an exclusion's id); with ``standing_at`` only those in force then."""
    rows = standing_exclusions(standing_at) if standing_at else Exclusion.objects.all()
    if player_id:
        rows = rows.filter(player_id=player_id)
    if before:
        rows = rows.filter(id__lt=before)
    return [exclusion_details(row) for row in rows.order_by("-id")[:limit]]


def list_excluded_ids(player_ids: Iterable[UUID], at: datetime) -> set[UUID]:
    """Those of the players whom an exclusion keeps from playing now."""
    return set(standing_exclusions(at).filter(player_id__in=list(player_ids)).values_list("player_id", flat=True))


def get_end_request(request_id: UUID) -> EndRequestDetails:
    """Raises: NotFound."""
    row = EndRequest.objects.filter(id=request_id).first()
    if row is None:
        raise NotFound(f"There is no request {request_id}.")
    return end_request_details(row)


def list_end_requests(
    *, exclusion_ids: Iterable[UUID] | None = None, open_only: bool = False, limit: int = 50
) -> list[EndRequestDetails]:
    """Newest first; open ones with the soonest to be answered first."""
    rows = EndRequest.objects.all()
    if exclusion_ids is not None:
        rows = rows.filter(exclusion_id__in=list(exclusion_ids))
    rows = rows.filter(state=EndRequestState.OPEN).order_by("due_at", "id") if open_only else rows.order_by("-id")
    return [end_request_details(row) for row in rows[:limit]]


def list_register_checks(player_id: UUID, limit: int = 20) -> list[RegisterCheckDetails]:
    """Newest first; that of the registration among them."""
    rows = RegisterCheck.objects.filter(Q(player_id=player_id) | Q(registration__player_id=player_id))
    return [
        RegisterCheckDetails(
            id=row.id,
            player_id=player_id,
            register=row.register,
            moment=RegisterMoment(row.moment),
            outcome=RegisterOutcome(row.outcome),
            reply_id=row.reply_id,
            listed_until=row.listed_until,
            error=row.error,
            milliseconds=row.milliseconds,
            asked_at=row.asked_at,
        )
        for row in rows.order_by("-id")[:limit]
    ]


def exclusion_details(row: Exclusion) -> ExclusionDetails:
    return ExclusionDetails(
        id=row.id,
        player_id=row.player_id,
        kind=ExclusionKind(row.kind),
        term=row.term,
        reason=row.reason,
        ground=row.ground,
        pack=row.pack,
        imposed_by=row.imposed_by,
        active_from=row.active_from,
        minimum_until=row.minimum_until,
        active_until=row.active_until,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        end_reason=row.end_reason,
        register=row.register,
        reply_id=row.reply_id,
        close_due_at=row.close_due_at,
        closed_at=row.closed_at,
    )


def end_request_details(row: EndRequest) -> EndRequestDetails:
    return EndRequestDetails(
        id=row.id,
        exclusion_id=row.exclusion_id,
        player_id=row.player_id,
        reason=row.reason,
        state=EndRequestState(row.state),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        due_at=row.due_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        comment=row.comment,
        takes_effect_at=row.takes_effect_at,
    )
