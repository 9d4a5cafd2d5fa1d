"""Reads of legal holds."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from compliance.models_holds import LegalHold


def standing(at: datetime) -> QuerySet[LegalHold]:
    """Holds in force at this moment."""
    return LegalHold.objects.filter(released_at=None).filter(Q(ends_at=None) | Q(ends_at__gt=at))


def is_held(*, player_id: UUID | None = None, object_type: str = "", object_id: str = "", at: datetime) -> bool:
    """Whether data of this player, or this object, must be kept. Ask it before erasing anything."""
    scope = Q(player_id=player_id) if player_id else Q()
    if object_type:
        scope |= Q(object_type=object_type, object_id=object_id)
    return bool(scope) and standing(at).filter(scope).exists()


def list_held_players(at: datetime) -> list[UUID]:
    return list(standing(at).exclude(player=None).values_list("player_id", flat=True).distinct())


def list_held_objects(object_type: str, at: datetime) -> list[str]:
    """Ids of the objects of a type that are held."""
    return list(standing(at).filter(object_type=object_type).values_list("object_id", flat=True).distinct())
