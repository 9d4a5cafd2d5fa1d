"""The event log from the command line: lag, dead letters, replay, rebuild, pause, epochs."""

from __future__ import annotations

import argparse
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from events import selectors
from events.ports import UnknownConsumer
from events.services import dead_letters
from events.services.rebuilding import NotAProjection, RebuildOvertaken, rebuild
from kernel import clock
from kernel.actors import system
from kernel.db import fetch_all
from kernel.errors import DomainError

ACTOR = system("manage.py events")


class Command(BaseCommand):
    help = "The event log: lag, dead-letters, replay, rebuild, pause, resume, new-epoch."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("lag", help="how far each consumer is behind")
        letters = commands.add_parser("dead-letters", help="what is parked")
        letters.add_argument("consumer", nargs="?")
        replay = commands.add_parser("replay", help="hand parked events to their consumer again, in order")
        replay.add_argument("consumer")
        replay.add_argument("--player", type=UUID, help="this player's only")
        rebuilding = commands.add_parser("rebuild", help="rebuild a projection from the log and compare")
        rebuilding.add_argument("consumer")
        rebuilding.add_argument("--swap", action="store_true", help="replace what differs in the live tables")
        pause = commands.add_parser("pause")
        pause.add_argument("consumer")
        pause.add_argument("--reason", required=True)
        commands.add_parser("resume").add_argument("consumer")
        commands.add_parser("new-epoch", help="after a restore into another cluster, before anything is written")

    def handle(self, *, command: str, **options: Any) -> None:
        try:
            getattr(self, command.replace("-", "_"))(**options)
        except (UnknownConsumer, NotAProjection, RebuildOvertaken) as error:
            raise CommandError(str(error)) from None
        except DomainError as error:
            raise CommandError(error.detail) from None

    def lag(self, **options: Any) -> None:
        self.stdout.write(
            f"{'consumer':32} {'kind':10} {'behind':>8} {'seconds':>8} {'rate/s':>8} {'parked':>7}  state"
        )
        for lag in selectors.list_lags(clock.now()):
            behind = f"{lag.events_behind}+" if lag.events_behind == selectors.COUNT_UP_TO else lag.events_behind
            state = f"paused: {lag.pause_reason}" if lag.paused else "running" if lag.rate_per_s else "idle"
            self.stdout.write(
                f"{lag.name:32} {lag.kind:10} {behind:>8} {lag.seconds_behind:8.1f} {lag.rate_per_s:8.1f}"
                f" {lag.parked:7}  {state}"
            )

    def dead_letters(self, *, consumer: str | None, **options: Any) -> None:
        letters = selectors.list_dead_letters(consumer)
        for letter in letters:
            self.stdout.write(
                f"{letter.consumer}  {letter.event_type}  event {letter.event_id}  player {letter.player_id}"
                f"  {letter.cause}  {letter.error}"
            )
        self.stdout.write(f"{len(letters)} parked")

    def replay(self, *, consumer: str, player: UUID | None, **options: Any) -> None:
        letters = selectors.list_dead_letters(consumer)
        targets = {(x.player_id, None if x.player_id else x.event_id) for x in letters}
        done = 0
        for player_id, event_id in targets:
            if player in (None, player_id):
                done += dead_letters.replay(
                    consumer=consumer, player_id=player_id, event_id=event_id, actor=ACTOR, at=clock.now()
                )
        self.stdout.write(f"{done} replayed, {len(selectors.list_dead_letters(consumer))} still parked")

    def rebuild(self, *, consumer: str, swap: bool, **options: Any) -> None:
        with tqdm(unit=" events", desc=consumer, disable=None) as bar:
            result = rebuild(consumer, swap=swap, progress=lambda done: bar.update(done - bar.n))
        self.stdout.write(f"{result.events} events applied")
        for table in result.only_live:
            self.stdout.write(
                f"{table}: {result.only_live[table]} rows only live, {result.only_rebuilt[table]} only from the log"
            )
        if result.equal:
            self.stdout.write("equal: the live tables are what the log gives")
        elif result.swapped:
            self.stdout.write("differed, and was swapped")
        else:
            raise CommandError("The live tables differ from the log; `--swap` replaces what differs.")

    def pause(self, *, consumer: str, reason: str, **options: Any) -> None:
        dead_letters.pause_consumer(name=consumer, reason=reason, actor=ACTOR, at=clock.now())

    def resume(self, *, consumer: str, **options: Any) -> None:
        dead_letters.resume_consumer(name=consumer, actor=ACTOR, at=clock.now())

    def new_epoch(self, **options: Any) -> None:
        rows = fetch_all("SELECT events_new_epoch() AS number")
        opened = rows and rows[0]["number"]
        self.stdout.write(f"epoch {opened} opened" if opened else "nothing to do: this cluster has the newest epoch")
