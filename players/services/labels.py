"""Labels: what higher floors tell lower ones of a player."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from events.catalogue.players import LabelChanged
from events.services.log import holding, publish
from players.models import Label, LabelChange


def set_label(*, player_id: UUID, namespace: str, key: str, value: str | None, at: datetime) -> None:
    """Give the label a value, or take it off with None. Nothing happens when it stands so already.

    Publishes LabelChanged. ``since`` is the moment of the change.
    """
    with holding(player_id):
        label = Label.objects.filter(player_id=player_id, namespace=namespace, key=key).first()
        before = label.value if label else None
        if before == value:
            return
        if value is None:
            Label.objects.filter(player_id=player_id, namespace=namespace, key=key).delete()
        else:
            Label.objects.update_or_create(
                player_id=player_id, namespace=namespace, key=key, defaults={"value": value, "since": at}
            )
        LabelChange.objects.create(player_id=player_id, namespace=namespace, key=key, value=value, since=at)
        publish(
            LabelChanged(
                player_id=player_id, occurred_at=at, namespace=namespace, key=key, from_value=before, to_value=value
            )
        )
