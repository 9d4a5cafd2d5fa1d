"""Scheduled work of compliance."""

from celery import shared_task

from compliance.services import documents, limit_changes, limit_prompts, play_sessions, play_watch, purging
from compliance.services.approvals import expire_due
from compliance.services.exclusion_closing import close_due_accounts
from compliance.services.exclusion_ends import end_due
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
def work_limit_changes(**kwargs: object) -> int:
    """Put raises of limits in force, or tell players that they may confirm them, once their delay is over."""
    return limit_changes.work_due(actor=system("limit-changes"), at=clock.now())


@shared_task
def remind_of_limits(**kwargs: object) -> int:
    """Remind players of their activity and limits where their jurisdiction asks for it; how many."""
    return limit_prompts.remind_due(at=clock.now())


@shared_task
def end_exclusions(**kwargs: object) -> int:
    """End exclusions whose time is over, or whose accepted request takes effect."""
    return end_due(actor=system("end-exclusions"), at=clock.now())


@shared_task
def close_excluded_accounts(**kwargs: object) -> int:
    """Pay out and close accounts of excluded players where the rules ask for it."""
    return close_due_accounts(actor=system("close-excluded"), at=clock.now())


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


@shared_task
def watch_play(**kwargs: object) -> int:
    """Warn who nears a limit by playing, and ask for due diligence from who staked so much."""
    return play_watch.watch_play(actor=system("watch-play"), at=clock.now())


@shared_task
def end_spent_logins(**kwargs: object) -> int:
    """Log out players whose own limit on the time logged in is used up."""
    return play_sessions.end_spent_logins(at=clock.now())


@shared_task
def end_idle_play(**kwargs: object) -> int:
    """End the play of those who pause, and tell the activity file who plays no more."""
    at = clock.now()
    play_sessions.end_idle(at=at)
    return play_sessions.tell_ends(at=at)
