"""Scheduled work of the wallet."""

from celery import shared_task

from kernel import clock
from kernel.actors import system
from wallet.services.deposits import chase_pending


@shared_task
def chase_pending_deposits(**kwargs: object) -> int:
    """Ask payment providers again about deposits that have no answer yet."""
    return chase_pending(actor=system("chase-pending-deposits"), at=clock.now())
