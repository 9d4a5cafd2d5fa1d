"""Documents that players hand in for their verification."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from compliance.types_documents import DocumentKind, DocumentSide
from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class Document(models.Model):
    """One document of a player. Written by services.documents; never changes.

    The row says what it is and holds nothing of what is on it: the pages lie as files below DOCUMENTS_PATH, sealed under
    the player's own key, and open no more once that key is destroyed. ``came_as`` is the type that the content had;
    ``step`` is what it is to prove, None where nothing is asked for.
    """

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    step = models.ForeignKey("compliance.KycStep", null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.name) for kind in DocumentKind])
    side = models.CharField(max_length=5, choices=[(side.value, side.name) for side in DocumentSide])
    came_as = models.CharField(max_length=30)
    pages = models.PositiveSmallIntegerField()
    kept_bytes = models.PositiveIntegerField()
    scanned_by = models.CharField(max_length=40)
    uploaded_by = models.CharField(max_length=120)
    uploaded_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar[Any] = ["view", "add"]
        indexes: ClassVar = [models.Index(fields=["player", "-id"], name="compliance_document_player")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(pages__gte=1), name="compliance_document_has_pages"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.side})"
