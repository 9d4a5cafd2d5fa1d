"""Documents that players hand in, as they cross the border of compliance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DocumentKind(StrEnum):
    PASSPORT = "passport"
    ID_CARD = "id_card"
    DRIVING_LICENCE = "driving_licence"
    RESIDENCE_PERMIT = "residence_permit"
    SELFIE = "selfie"
    UTILITY_BILL = "utility_bill"
    BANK_STATEMENT = "bank_statement"
    PAYSLIP = "payslip"
    TAX_RETURN = "tax_return"
    OTHER = "other"


class DocumentSide(StrEnum):
    WHOLE = "whole"
    FRONT = "front"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class DocumentDetails:
    """One document: what it is said to be, by whom and when; never what is on it.

    ``came_as`` is the type that its content had ("application/pdf"); what is kept of it is pages, each a JPEG.
    """

    id: UUID
    player_id: UUID
    step_id: UUID | None
    kind: DocumentKind
    side: DocumentSide
    came_as: str
    pages: int
    kept_bytes: int
    scanned_by: str
    uploaded_by: str
    uploaded_at: datetime
