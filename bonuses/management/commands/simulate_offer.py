"""``manage.py simulate_offer``: what an offer would cost, on the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bonuses.selectors import list_versions
from bonuses.services.simulation import simulate
from bonuses.types_simulation import SimulationWanted
from kernel import clock
from kernel.errors import DomainError, FieldErrors


class Command(BaseCommand):
    help = (
        "Let made-up players play the newest version of an offer; prints what it costs, and keeps it with the version."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code")
        parser.add_argument("--players", type=int, default=100_000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--currency", default="", help="one of the offer's; else EUR, or its first")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = SimulationWanted(players=options["players"], seed=options["seed"], currency=options["currency"])
        try:
            newest = next(iter(list_versions(options["code"])), None)
            if newest is None:
                raise CommandError(f"There is no offer {options['code']}.")
            found = simulate(version_id=newest.id, wanted=wanted, at=clock.now())
        except FieldErrors as error:
            raise CommandError(
                "\n".join(f"{field}: {' '.join(texts)}" for field, texts in error.errors.items())
            ) from None
        except DomainError as error:
            raise CommandError(error.detail) from None
        known = found["deposits_known"]
        self.stdout.write(
            f"{newest.offer}, version {newest.number}: {wanted.players:,} players, seed {wanted.seed}, deposits "
            + (f"as the {known:,} of the last 90 days" if known else "assumed")
        )
        names = ("award_mean", "mean", "p5", "p50", "p95", "p99", "most")
        for name in names:
            self.stdout.write(f"{name:>18} {found[name]} {found['wanted']['currency']}")
        for name in ("completed_percent", "lost_percent", "expired_percent", "mean_days"):
            self.stdout.write(f"{name:>18} {found[name]}")
        self.stdout.write("A careful player takes out of it, on average:")
        for one in found["strategies"]:
            self.stdout.write(
                f"{one['value']:>12} ± {one['error']} on {one['category']}, at {one['stake_percent']} % of the highest stake"
            )
