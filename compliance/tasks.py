"""Scheduled work of compliance."""

from celery import shared_task

from compliance.services import purging
from compliance.services.approvals import expire_due
from compliance.services.exclusion_closing import close_due_accounts
from compliance.services.exclusion_ends import end_due
from kernel import clock
from kernel.actors import system


@shared_task
def expire_approvals(**kwargs: object) -> int:
    """Close approvals that nobody decided on in time."""
    return expire_due(actor=system("expire-approvals"), at=clock.now())


@shared_task
def purge(**kwargs: object) -> dict[str, int]:
    """Purge what is past its retention and not held; how much of each."""
    done = purging.purge(actor=system("purge"), at=clock.now())
    return {each.name: each.gone for each in done}


@shared_task
def end_exclusions(**kwargs: object) -> int:
    """End exclusions whose time is over, or whose accepted request takes effect."""
    return end_due(actor=system("end-exclusions"), at=clock.now())


@shared_task
def close_excluded_accounts(**kwargs: object) -> int:
    """Pay out and close accounts of excluded players where the rules ask for it."""
    return close_due_accounts(actor=system("close-excluded"), at=clock.now())
