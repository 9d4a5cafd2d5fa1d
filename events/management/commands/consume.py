"""Runs consumers of the event log until it is told to stop."""

from __future__ import annotations

import argparse
import gc
import signal
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection

from events.ports import UnknownConsumer, get_consumer, list_consumers
from events.services.consuming import Runner
from kernel import clock

log = structlog.get_logger(__name__)

IDLE_S = 0.15
LONGEST_WAIT_S = 10.0


class Command(BaseCommand):
    help = "Run consumers of the event log: `consume NAME…` or `consume --all`."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME")
        parser.add_argument("--all", action="store_true", help="every registered consumer")
        parser.add_argument("--drain", action="store_true", help="stop once nothing is left to take")

    def handle(self, *, names: list[str], **options: Any) -> None:
        if bool(names) == options["all"]:
            raise CommandError("Name consumers, or say --all. See `events lag` for the names.")
        try:
            consumers = list_consumers() if options["all"] else [get_consumer(name) for name in names]
        except UnknownConsumer as error:
            raise CommandError(str(error)) from None
        gc.freeze()  # what was set up stays: collections look at the batches only, a quarter more events a second
        self.stopping = False
        for stop in (signal.SIGTERM, signal.SIGINT):
            signal.signal(stop, self._stop)
        self._run([Runner(consumer) for consumer in consumers], drain=options["drain"])

    def _stop(self, *args: object) -> None:
        self.stopping = True

    def _run(self, runners: list[Runner], *, drain: bool) -> None:
        wait = IDLE_S
        while not self.stopping:
            taken = 0
            for runner in runners:
                try:
                    taken += runner.run_once(clock.now())
                    wait = IDLE_S
                except (OperationalError, InterfaceError):
                    # The database is away or busy: nothing was taken; try again, slower each time.
                    log.warning("database not reachable, consumer waits", consumer=runner.consumer.name, seconds=wait)
                    connection.close()
                    wait = min(wait * 2, LONGEST_WAIT_S)
                except Exception:
                    wait = min(wait * 2, LONGEST_WAIT_S)  # noted by the runner
            if taken == 0:
                if drain:
                    return
                time.sleep(wait)
