"""Makes the sandbox provider misbehave, for trials: a fault for every call, or a notice about one payment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kernel import clock
from wallet.ports import Direction, PaymentAnswer, PaymentState
from wallet.providers.sandbox import FAULTS, SandboxProvider, switch_fault
from wallet.services.payment_notices import receive_notice


class Command(BaseCommand):
    help = "Switch the sandbox's fault on or off, or let it send a signed notice about a deposit or payout."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        fault = actions.add_parser("fault", help="what every call does from now on; off: what the instruments say")
        fault.add_argument("fault", choices=[*FAULTS, "off"])
        notice = actions.add_parser("notice", help="a webhook, signed and taken in as if it had been posted")
        notice.add_argument("direction", choices=list(Direction))
        notice.add_argument("payment_id", type=UUID, help="of a deposit or payout")
        notice.add_argument("state", choices=list(PaymentState))

    def handle(self, **options: Any) -> None:
        if options["action"] == "fault":
            switch_fault(None if options["fault"] == "off" else options["fault"])
            self.stdout.write(f"The sandbox's fault: {options['fault']}.")
            return
        at = clock.now()
        answer = PaymentAnswer(PaymentState(options["state"]), f"sbx_{options['payment_id'].hex}")
        headers, body = SandboxProvider().webhook(Direction(options["direction"]), options["payment_id"], answer, at)
        if not receive_notice(provider=SandboxProvider.name, headers=headers, body=body, at=at):
            raise CommandError(f"There is no payment {options['payment_id']} of the sandbox.")
        self.stdout.write("Taken in.")
