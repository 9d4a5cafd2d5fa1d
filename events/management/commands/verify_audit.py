"""Verifies the audit trail against its chains and its seals. Exit code 0: all is well; 1: something is broken, and named."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.services.audit_sealing import open_store, prove_audit
from events.services.proving import Proof
from kernel import clock


class Command(BaseCommand):
    help = "Check every record's chain and every seal (exit code 1 when one is broken). Cut short, it goes on there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since-last", action="store_true", help="only what was sealed since the last sound run")
        parser.add_argument("--fresh", action="store_true", help="begin anew, also when a run was cut short")

    def handle(self, **options: Any) -> None:
        at, started, before = clock.now(), time.monotonic(), None

        def report(proof: Proof) -> None:
            nonlocal before
            if before is None:  # what a run before this one has done does not count as our speed
                before = 0 if proof.started_at == at.isoformat() else proof.entries
            rate = (proof.entries - before) / max(time.monotonic() - started, 0.001)
            self.stdout.write(f"… seal {proof.seal}, {proof.entries:,} records, {rate:,.0f}/s")
            self.stdout.flush()

        proof = prove_audit(since_last=options["since_last"], fresh=options["fresh"], at=at, progress=report)
        for check, broken in proof.broken.items():
            self.stdout.write(f"{'BROKEN' if broken else 'ok':7} {check}{f': {broken} times' if broken else ''}")
            for example in proof.examples.get(check, ()):
                self.stdout.write(f"        {example}")
        keys = list(open_store().keys())
        self.stdout.write(
            f"{proof.entries:,} records up to seal {proof.seal} in {time.monotonic() - started:.1f} s; "
            f"first key {keys[0] if keys else 'none'}"
        )
        if not proof.sound:
            raise CommandError(f"The audit trail is broken. The first: {proof.first_broken}")
