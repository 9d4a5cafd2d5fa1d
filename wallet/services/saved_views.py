"""Views of the payments inbox that a member of staff has named: a list's filters, found again by one click."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.actors import Actor
from kernel.errors import FieldErrors
from wallet.models_payments import SavedView

MOST = 20


def save_view(*, name: str, query: str, actor: Actor, at: datetime) -> UUID:
    """Keep a view of one's own; the same name again changes it. Raises: FieldErrors."""
    name = name.strip()
    if not 0 < len(name) <= 40:
        raise FieldErrors({"name": ["Give it a name of at most 40 characters."]})
    mine = SavedView.objects.filter(owner=str(actor))
    if mine.exclude(name=name).count() >= MOST:
        raise FieldErrors({"name": [f"You have {MOST} views already: remove one first."]})
    view, _ = mine.update_or_create(
        owner=str(actor),
        name=name,
        defaults={"query": query[:400]},
        create_defaults={"query": query[:400], "saved_at": at},
    )
    return view.id


def remove_view(*, view_id: UUID, actor: Actor) -> None:
    """Forget a view of one's own; somebody else's stays."""
    SavedView.objects.filter(id=view_id, owner=str(actor)).delete()
