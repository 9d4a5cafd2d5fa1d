"""Events about documents that players hand in."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from events.catalogue.base import Event


@dataclass(frozen=True, kw_only=True)
class DocumentUploaded(Event):
    """A document was taken in and waits to be looked at. ``kind`` is what the sender says it is ("passport")."""

    wire_name = "compliance.document-uploaded.v1"
    document_id: UUID
    kind: str
