"""Reads of deputies."""

from __future__ import annotations

from datetime import datetime

from compliance.models_delegation import Delegation
from compliance.types_delegation import DelegationDetails


def list_principals(*, deputy: str, at: datetime, kind: str = "") -> list[DelegationDetails]:
    """In whose place ``deputy`` ("staff:7") decides at this moment, for a kind or any."""
    rows = Delegation.objects.filter(deputy=deputy, ended_at=None, active_from__lte=at, active_until__gt=at)
    if kind:
        rows = rows.filter(kinds__contains=[kind])
    return [delegation_details(row) for row in rows.order_by("active_until", "id")]


def delegation_details(row: Delegation) -> DelegationDetails:
    return DelegationDetails(
        id=row.id,
        principal=row.principal,
        deputy=row.deputy,
        kinds=tuple(row.kinds),
        reason=row.reason,
        active_from=row.active_from,
        active_until=row.active_until,
        appointed_by=row.appointed_by,
        ended_at=row.ended_at,
    )
