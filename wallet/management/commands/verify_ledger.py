"""Verifies the ledger against its rules and its seals. Exit code 0: all is well; 1: something is broken, and named."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.services.proving import Proof
from kernel import clock
from wallet.services.proofs import prove
from wallet.services.sealing import open_store


class Command(BaseCommand):
    help = (
        "Check every rule of the ledger and every seal (exit code 1 when one is broken). Cut short, it goes on there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since-last", action="store_true", help="only what was sealed since the last sound run")
        parser.add_argument("--fresh", action="store_true", help="begin anew, also when a run was cut short")

    def handle(self, **options: Any) -> None:
        started, before = time.monotonic(), None

        def report(proof: Proof) -> None:
            nonlocal before
            if before is None:  # what a run before this one has done does not count as our speed
                before = 0 if proof.started_at == at.isoformat() else proof.entries
            seconds = max(time.monotonic() - started, 0.001)
            rate = (proof.entries - before) / seconds
            self.stdout.write(f"… seal {proof.seal} of {number}, {proof.entries:,} entries, {rate:,.0f}/s")
            self.stdout.flush()

        at = clock.now()
        last = open_store().last()
        number = last.number if last else 0
        proof = prove(since_last=options["since_last"], fresh=options["fresh"], at=at, progress=report)
        for check, broken in proof.broken.items():
            self.stdout.write(f"{'BROKEN' if broken else 'ok':7} {check}{f': {broken} times' if broken else ''}")
            for example in proof.examples.get(check, ()):
                self.stdout.write(f"        {example}")
        seconds = max(time.monotonic() - started, 0.001)
        keys = list(open_store().keys())
        self.stdout.write(
            f"{proof.entries:,} entries up to seal {proof.seal} in {seconds:.1f} s; first key {keys[0] if keys else 'none'}"
        )
        if not proof.sound:
            raise CommandError(
                f"{sum(proof.broken.values())} rows break the ledger's rules. The first: {proof.first_broken}"
            )
