"""What loyalty reads from the log."""

from __future__ import annotations

from events.catalogue.loyalty import LevelChanged
from events.catalogue.players import PlayerRegistered
from events.catalogue.wallet import BetPlaced, BetRolledBack
from events.ports import Consumer
from events.types import ConsumerKind
from loyalty.services.accrual import accrue
from loyalty.services.labels import label_levels

CONSUMERS = (
    Consumer(
        name="loyalty.accrual",
        events=(BetPlaced, BetRolledBack),
        handle=accrue,
        kind=ConsumerKind.PROJECTION,
        tables=("loyalty_standing", "loyalty_pointsentry", "loyalty_levelchange"),
        publishes=True,
    ),
    Consumer(
        name="loyalty.labels",
        events=(PlayerRegistered, LevelChanged),
        handle=label_levels,
        kind=ConsumerKind.REACTOR,
        publishes=True,
    ),
)
