"""Scheduled work of compliance."""

from celery import shared_task

from compliance.services.approvals import expire_due
from kernel import clock
from kernel.actors import system


@shared_task
def expire_approvals(**kwargs: object) -> int:
    """Close approvals that nobody decided on in time."""
    return expire_due(actor=system("expire-approvals"), at=clock.now())
