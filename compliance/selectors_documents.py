"""Reads of documents: what there is, never what is on them (services.documents opens pages, and records who looked)."""

from __future__ import annotations

from uuid import UUID

from compliance.models_documents import Document
from compliance.types_documents import DocumentDetails, DocumentKind, DocumentSide
from kernel.errors import NotFound


class UnknownDocument(NotFound):
    """There is no such document."""

    code = "unknown_document"
    title = "No such document"


def get_document(document_id: UUID) -> DocumentDetails:
    """Raises: UnknownDocument."""
    row = Document.objects.filter(id=document_id).first()
    if row is None:
        raise UnknownDocument(f"There is no document {document_id}.")
    return details(row)


def list_documents(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[DocumentDetails]:
    """A player's documents, newest first, older than ``before``."""
    rows = Document.objects.filter(player_id=player_id).order_by("-id")
    if before:
        rows = rows.filter(id__lt=before)
    return [details(row) for row in rows[:limit]]


def details(row: Document) -> DocumentDetails:
    return DocumentDetails(
        id=row.id,
        player_id=row.player_id,
        step_id=row.step_id,
        kind=DocumentKind(row.kind),
        side=DocumentSide(row.side),
        came_as=row.came_as,
        pages=row.pages,
        kept_bytes=row.kept_bytes,
        scanned_by=row.scanned_by,
        uploaded_by=row.uploaded_by,
        uploaded_at=row.uploaded_at,
    )
