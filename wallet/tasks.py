"""Scheduled work of the wallet."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from kernel import clock
from kernel.actors import system
from wallet.services import period_exports, proofs, reconciliation, sealing
from wallet.services.deposits import chase_pending
from wallet.services.dormancy import run_dormancy
from wallet.services.excess_payouts import pay_out_excess as pay_excess
from wallet.services.free_spins import expire_free_spins as expire_spins
from wallet.services.holds import expire_holds as expire
from wallet.services.liability import check_liability, close_days
from wallet.services.payment_sending import send_due
from wallet.services.purses import expire_bonus_purses as expire_bonuses
from wallet.services.rounds import sweep_rounds


@shared_task
def chase_pending_deposits(**kwargs: object) -> int:
    """Ask payment providers again about deposits that have no answer yet."""
    return chase_pending(actor=system("chase-pending-deposits"), at=clock.now())


@shared_task
def send_payouts(**kwargs: object) -> int:
    """Send what is approved and cooled down, and ask about what was sent."""
    return send_due(actor=system("send-payouts"), at=clock.now())


@shared_task
def pay_out_excess(**kwargs: object) -> int:
    """Ask for the payout of what lies above players' balance limits, where the jurisdiction wants that."""
    return pay_excess(actor=system("pay-out-excess"), at=clock.now())


@shared_task
def seal_ledger(**kwargs: object) -> int:
    """Seal what is settled since the last seal; how many seals were made."""
    return sum(1 for _ in sealing.seal_ledger(at=clock.now()))


@shared_task
def expire_holds(**kwargs: object) -> int:
    """Give back reserved money whose time is over."""
    return expire(actor=system("expire-holds"), at=clock.now())


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
    """Write what the house owed its players at the end of each day that is over, and compare it with the balances."""
    closed = close_days(at=clock.now())
    check_liability(at=clock.now())
    return closed


@shared_task
def write_exports(**kwargs: object) -> int:
    """Write the exports that were asked for."""
    return period_exports.write_exports(at=clock.now())


@shared_task
def expire_exports(**kwargs: object) -> int:
    """Delete the files of exports whose time is over."""
    return period_exports.expire_exports(at=clock.now())


@shared_task
def close_forgotten_rounds(**kwargs: object) -> int:
    """Close the rounds that were left open for ``ROUNDS_CLOSE_AFTER_HOURS``; with 0 none is."""
    hours = settings.ROUNDS_CLOSE_AFTER_HOURS
    return sweep_rounds(older_than=timedelta(hours=hours), at=clock.now()) if hours else 0


@shared_task
def expire_free_spins(**kwargs: object) -> int:
    """Close the free-spins purses whose time is over."""
    return expire_spins(at=clock.now())


@shared_task
def expire_bonus_purses(**kwargs: object) -> int:
    """Close the bonus purses whose time is over."""
    return expire_bonuses(at=clock.now())


@shared_task
def verify_ledger(*, since_last: bool, **kwargs: object) -> bool:
    """Prove the ledger, whole or what was sealed since the last sound run; whether it is sound."""
    return proofs.watch(since_last=since_last, at=clock.now()).sound
