"""Scheduled work of bonuses."""

from celery import shared_task

from bonuses.services import grants, lists, triggers
from kernel import clock


@shared_task
def award_due(**kwargs: object) -> int:
    """Give what birthdays, schedules, reached turnover, long silence and referrals promise."""
    return triggers.award_due(at=clock.now())


@shared_task
def work_lists(**kwargs: object) -> int:
    """Give the bonuses of lists that wait."""
    return lists.work_lists(at=clock.now())


@shared_task
def end_bonuses(**kwargs: object) -> int:
    """End what was not taken in time, and what nothing is left of."""
    at = clock.now()
    return grants.expire_offered(at=at) + triggers.end_used_up(at=at)
