"""Scheduled work of the wallet."""

from celery import shared_task

from kernel import clock
from kernel.actors import system
from wallet.services import reconciliation, sealing
from wallet.services.deposits import chase_pending
from wallet.services.dormancy import run_dormancy
from wallet.services.liability import close_days
from wallet.services.payment_sending import send_due


@shared_task
def chase_pending_deposits(**kwargs: object) -> int:
    """Ask payment providers again about deposits that have no answer yet."""
    return chase_pending(actor=system("chase-pending-deposits"), at=clock.now())


@shared_task
def send_payouts(**kwargs: object) -> int:
    """Send what is approved and cooled down, and ask about what was sent."""
    return send_due(actor=system("send-payouts"), at=clock.now())


@shared_task
def seal_ledger(**kwargs: object) -> int:
    """Seal what is settled since the last seal; how many seals were made."""
    return sum(1 for _ in sealing.seal_ledger(at=clock.now()))


@shared_task
def charge_dormant_accounts(**kwargs: object) -> dict[str, int]:
    """Tell dormant players of fees, and take what is due."""
    return run_dormancy(actor=system("charge-dormant-accounts"), at=clock.now())


@shared_task
def match_reports(**kwargs: object) -> int:
    """Match the provider reports that wait."""
    return reconciliation.match_reports(at=clock.now())


@shared_task
def close_liability_days(**kwargs: object) -> int:
    """Write what the house owed its players at the end of each day that is over."""
    return close_days(at=clock.now())
