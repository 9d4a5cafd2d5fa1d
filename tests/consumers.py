"""Running consumers in tests."""

from __future__ import annotations

import time
from dataclasses import replace

from events.ports import get_consumer
from events.selectors import get_lag
from events.services.consuming import Runner
from kernel import clock

PATIENCE_S = 20


def catch_up(*names: str, batch_size: int | None = None) -> None:
    """Run these consumers until nothing is left. Another transaction of the server may hold the horizon back a moment."""
    for name in names:
        consumer = get_consumer(name)
        runner = Runner(replace(consumer, batch_size=batch_size) if batch_size else consumer)
        patience = time.monotonic() + PATIENCE_S
        while True:
            runner.drain(clock.now())
            if get_lag(name, clock.now()).events_behind == 0:
                break
            assert time.monotonic() < patience, f"{name} does not catch up"
            time.sleep(0.01)
