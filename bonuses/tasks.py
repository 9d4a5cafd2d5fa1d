"""Scheduled work of bonuses."""

from celery import shared_task

from bonuses.services import grants, handouts, lists, simulation, triggers
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


@shared_task
def work_runs(**kwargs: object) -> int:
    """Work on the simulations and dry runs that were asked for."""
    return simulation.work_runs(at=clock.now())


@shared_task
def work_handouts(**kwargs: object) -> int:
    """Hand free spins out to game providers that keep them, and take them back."""
    return handouts.work_handouts(at=clock.now())
