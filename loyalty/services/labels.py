"""The level as a label on the player, for the floors below."""

from __future__ import annotations

from collections.abc import Sequence

from events.catalogue.loyalty import LevelChanged
from events.types import RecordedEvent
from loyalty.selectors import get_first_level
from players.services.labels import set_label

NAMESPACE = "loyalty"
KEY = "level"


def label_levels(events: Sequence[RecordedEvent]) -> None:
    """Set ``loyalty.level`` from PlayerRegistered (the first level) and LevelChanged. Publishes LabelChanged."""
    first = get_first_level().code
    for event in events:
        if event.player_id is not None:
            value = event.payload["to_level"] if event.type == LevelChanged.wire_name else first
            set_label(player_id=event.player_id, namespace=NAMESPACE, key=KEY, value=value, at=event.occurred_at)
