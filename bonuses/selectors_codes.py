"""What others may read of bonus codes."""

from __future__ import annotations

from uuid import UUID

from bonuses.models_codes import CodeBatch, CodeUse
from bonuses.types_codes import WAITS, BatchDetails, CodeWaits, NoSuchCode


def get_batch(batch_id: UUID) -> BatchDetails:
    """Raises: NoSuchCode."""
    row = CodeBatch.objects.select_related("offer").filter(id=batch_id).first()
    if row is None:
        raise NoSuchCode("There are no such codes.")
    return batch_details(row)


def list_waiting(player_id: UUID) -> list[CodeWaits]:
    """Codes of a player that wait for a deposit, newest first."""
    rows = CodeUse.objects.filter(player_id=player_id, grant=None).order_by("-id")[:20]
    return [CodeWaits(row.code_id, row.used_at + WAITS) for row in rows]


def batch_details(row: CodeBatch) -> BatchDetails:
    return BatchDetails(
        row.id, row.offer.code, row.name, row.size, row.uses_per_code, row.expires_at, row.closed_at, row.made_at
    )
