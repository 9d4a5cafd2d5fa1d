"""A player as of a moment: for complaints and regulators. What holds now is read by players.selectors.

Times are those of the changes (``at`` of their services). Currency and login never change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from kernel.errors import NotFound
from players.models import LabelChange, SettingChange
from players.selectors import get_player
from players.types import ConfirmStatus, LabelDetails, PlayerDetails, RiskLevel, Status

_READ: Mapping[str, Callable[[str], Any]] = {
    "birth_date": lambda text: date.fromisoformat(text) if text else None,
    "status": Status,
    "confirm_status": ConfirmStatus,
    "risk_level": RiskLevel,
}
_FIELDS = frozenset(PlayerDetails.__dataclass_fields__)


class NotYetRegistered(NotFound):
    """The account was opened after the moment that was asked for."""

    code = "not_yet_registered"
    title = "There was no such player yet"


def get_player_as_of(player_id: UUID, at: datetime) -> PlayerDetails:
    """Account and profile as they were at ``at``: today's, with every later change undone.

    Raises: UnknownPlayer, NotYetRegistered.
    """
    player = get_player(player_id)
    if at < player.registered_at:
        raise NotYetRegistered(
            f"The account was opened at {player.registered_at.isoformat()}.", registered_at=player.registered_at
        )
    later = SettingChange.objects.filter(player_id=player_id, changed_at__gt=at, name__in=_FIELDS)
    undone: dict[str, Any] = {}
    for change in later.order_by("-changed_at", "-id"):  # the earliest one after the moment speaks last
        undone[change.name] = _READ.get(change.name, str)(change.from_value)
    return replace(player, **undone)


def list_labels_as_of(player_id: UUID, at: datetime) -> list[LabelDetails]:
    """The labels that stood at ``at``."""
    changes = (
        LabelChange.objects.filter(player_id=player_id, since__lte=at)
        .order_by("namespace", "key", "-since", "-id")
        .distinct("namespace", "key")
    )
    return [
        LabelDetails(change.namespace, change.key, change.value, change.since)
        for change in changes
        if change.value is not None
    ]


def list_label_values(
    names: Sequence[str], player_ids: Collection[UUID]
) -> dict[tuple[UUID, str], list[tuple[datetime, str | None]]]:
    """How labels ("crm.segment") of these players changed, oldest first: (since when, value); None: it was taken off."""
    wanted = Q()
    for name in names:
        namespace, _, key = name.partition(".")
        wanted |= Q(namespace=namespace, key=key)
    found: dict[tuple[UUID, str], list[tuple[datetime, str | None]]] = defaultdict(list)
    rows = LabelChange.objects.filter(wanted, player_id__in=player_ids).order_by("since", "id") if names else ()
    for row in rows:
        found[row.player_id, f"{row.namespace}.{row.key}"].append((row.since, row.value))
    return found
