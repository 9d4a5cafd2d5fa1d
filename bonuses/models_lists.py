"""Offers for lists of players."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from bonuses.types_lists import ItemState
from kernel.ids import uuid7
from kernel.protection import Protection, Retention


class ListAward(models.Model):
    """Somebody asked for an offer to be given to a list of players. Never changes."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    offer = models.ForeignKey("Offer", on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=300)
    size = models.IntegerField()
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    key = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = "list"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["asked_by", "key"], name="bonuses_list_once"),
        ]

    def __str__(self) -> str:
        return self.note


class ListItem(models.Model):
    """One player of a list: ``player_ref`` is what the list says, which may be nobody. ``why`` names what stood against."""

    protection: ClassVar = Protection(Retention.FIVE_YEARS)

    id = models.BigAutoField(primary_key=True)
    list = models.ForeignKey(ListAward, on_delete=models.PROTECT, related_name="items")
    player_ref = models.UUIDField()
    state = models.CharField(
        max_length=8,
        choices=[(state.value, state.value.capitalize()) for state in ItemState],
        default=ItemState.WAITING,
    )
    why = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="bonuses_list_waiting"),
        ]

    def __str__(self) -> str:
        return str(self.player_ref)
