"""Reads of what stands under players' own keys. Who may read it, the callers ask: nothing here is masked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from kernel import vault
from players.models_sealed import SealedDetail
from players.types import SealedField

ERASED = "(erased)"


def read_sealed(player_id: UUID, *, at: datetime | None = None) -> dict[SealedField, str]:
    """Every sealed fact of a player as it is, or was at a moment; without those that were never given.

    After the key's destruction each reads ``ERASED``. Raises: kernel.vault.Damaged.
    """
    rows = SealedDetail.objects.filter(player_id=player_id)
    if at is None:
        rows = rows.filter(replaced_at=None)
    else:
        rows = rows.filter(Q(replaced_at=None) | Q(replaced_at__gt=at), since__lte=at)
    facts = {SealedField(row.field): open_row(row) for row in rows.order_by("field", "since")}
    return {field: text for field, text in facts.items() if text}


def find_by_sealed(field: SealedField, text: str) -> list[UUID]:
    """Players of whom exactly this holds now, the oldest account first; ``text`` in its normal form."""
    found = SealedDetail.objects.filter(field=field, index=vault.blind_index(name_of(field), text), replaced_at=None)
    return list(found.order_by("player_id").values_list("player_id", flat=True))


def open_row(row: SealedDetail) -> str:
    try:
        return vault.unseal(row.player_id, name_of(row.field), bytes(row.sealed))
    except vault.Destroyed:
        return ERASED


def name_of(field: str) -> str:
    """What the vault binds a field's values to."""
    return f"players.{field}"
