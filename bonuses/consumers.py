"""What bonuses reads from the log."""

from __future__ import annotations

from bonuses.services import triggers, wagering
from bonuses.services.play import keep_play
from events.catalogue.wallet import BetPlaced, BetRolledBack, WinCredited
from events.ports import Consumer
from events.types import ConsumerKind

CONSUMERS = (
    Consumer(
        name="bonuses.wagering",
        events=wagering.READS,
        handle=wagering.wager,
        kind=ConsumerKind.PROJECTION,
        tables=("bonuses_progress", "bonuses_wageringentry"),
        publishes=True,
        batch_size=1_000,
    ),
    Consumer(
        name="bonuses.play",
        events=(BetPlaced, WinCredited, BetRolledBack),
        handle=keep_play,
        kind=ConsumerKind.PROJECTION,
        tables=("bonuses_playday", "bonuses_playtotal"),
    ),
    Consumer(
        name="bonuses.triggers",
        events=triggers.READS,
        handle=triggers.on_events,
        kind=ConsumerKind.REACTOR,
        publishes=True,
        batch_size=50,
    ),
)
