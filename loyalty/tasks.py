"""Scheduled work of loyalty."""

from celery import shared_task

from kernel import clock
from loyalty.services import levels, membership


@shared_task
def review_levels(**kwargs: object) -> int:
    """Review everybody's level; first, players join the programmes that are theirs by now."""
    at = clock.now()
    membership.join_all(at=at)
    return levels.review(at=at)


@shared_task
def end_level_orders(**kwargs: object) -> int:
    """Let forced and frozen levels move again whose time is over."""
    return levels.end_due(at=clock.now())
