"""What loyalty reads from the log."""

from __future__ import annotations

from events.catalogue.loyalty import LevelChanged
from events.catalogue.players import PlayerRegistered
from events.ports import Consumer
from events.types import ConsumerKind
from loyalty.services import accrual, membership
from loyalty.services.labels import label_levels

CONSUMERS = (
    Consumer(
        name="loyalty.accrual",
        events=accrual.READS,
        handle=accrual.accrue,
        kind=ConsumerKind.PROJECTION,
        tables=("loyalty_standing", "loyalty_accrual", "loyalty_turnoverday", "loyalty_levelchange"),
        publishes=True,
        batch_size=1_000,
    ),
    Consumer(
        name="loyalty.labels",
        events=(PlayerRegistered, LevelChanged),
        handle=label_levels,
        kind=ConsumerKind.REACTOR,
        publishes=True,
    ),
    Consumer(
        name="loyalty.membership",
        events=membership.READS,
        handle=membership.follow_residence,
        kind=ConsumerKind.REACTOR,
        publishes=True,
    ),
)
