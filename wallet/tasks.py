"""Scheduled work of the wallet."""

from celery import shared_task

from kernel import clock
from kernel.actors import system
from wallet.services import sealing
from wallet.services.deposits import chase_pending


@shared_task
def chase_pending_deposits(**kwargs: object) -> int:
    """Ask payment providers again about deposits that have no answer yet."""
    return chase_pending(actor=system("chase-pending-deposits"), at=clock.now())


@shared_task
def seal_ledger(**kwargs: object) -> int:
    """Seal what is settled since the last seal; how many seals were made."""
    return sum(1 for _ in sealing.seal_ledger(at=clock.now()))
