"""Scheduled work of the wallet."""

from celery import shared_task

from kernel import clock
from kernel.actors import system
from wallet.services.deposits import chase_pending
from wallet.services.dormancy import run_dormancy


@shared_task
def chase_pending_deposits(**kwargs: object) -> int:
    """Ask payment providers again about deposits that have no answer yet."""
    return chase_pending(actor=system("chase-pending-deposits"), at=clock.now())


@shared_task
def charge_dormant_accounts(**kwargs: object) -> dict[str, int]:
    """Tell dormant players of fees, and take what is due."""
    return run_dormancy(actor=system("charge-dormant-accounts"), at=clock.now())
