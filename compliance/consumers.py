"""What compliance reads from the log."""

from __future__ import annotations

from compliance.services.entry import look_again
from events.catalogue.players import SettingChanged
from events.ports import Consumer
from events.types import ConsumerKind

CONSUMERS = (
    Consumer(
        name="compliance.likeness",
        events=(SettingChanged,),
        handle=look_again,
        kind=ConsumerKind.REACTOR,
        publishes=True,
    ),
)
