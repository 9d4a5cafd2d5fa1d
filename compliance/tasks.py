"""Scheduled work of compliance."""

from celery import shared_task

from compliance.services import documents, purging
from compliance.services.approvals import expire_due
from compliance.services.kyc_checks import chase_due
from compliance.services.kyc_funds import return_due
from compliance.services.kyc_triggers import expire_due as expire_proofs
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


@shared_task
def chase_verification(**kwargs: object) -> int:
    """Ask verification providers what became of checks that they did not tell about."""
    return chase_due(actor=system("chase-verification"), at=clock.now())


@shared_task
def expire_verification(**kwargs: object) -> int:
    """Ask anew for what was proved and has lapsed."""
    return expire_proofs(actor=system("expire-verification"), at=clock.now())


@shared_task
def return_funds(**kwargs: object) -> int:
    """Send the money of failed and unfinished verifications back to where it came from."""
    return return_due(actor=system("return-funds"), at=clock.now())
