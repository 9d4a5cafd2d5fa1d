"""Scheduled work of compliance."""

from celery import shared_task

from compliance.services import documents, purging
from compliance.services.approvals import expire_due
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
def sweep_documents(**kwargs: object) -> int:
    """Take away files that no document owns; how many."""
    return documents.sweep_files(at=clock.now())
