"""The level as a label on the player, for the floors below."""

from __future__ import annotations

from collections.abc import Sequence

from events.catalogue.loyalty import LevelChanged
from events.types import RecordedEvent
from loyalty.selectors_programme import Programmes
from players.selectors import get_player
from players.services.labels import set_label

NAMESPACE = "loyalty"
KEY = "level"


def label_levels(events: Sequence[RecordedEvent]) -> None:
    """Set ``loyalty.level`` from PlayerRegistered (the first level) and LevelChanged. Publishes LabelChanged."""
    programmes = Programmes.load()
    for event in events:
        if event.player_id is None:
            continue
        if event.type == LevelChanged.wire_name:
            value = event.payload["to_level"]
        else:
            at = event.occurred_at
            programme = programmes.programme_for(get_player(event.player_id).residence, at)
            value = programmes.rule(programme, at).levels[0].code
        set_label(player_id=event.player_id, namespace=NAMESPACE, key=KEY, value=value, at=event.occurred_at)
