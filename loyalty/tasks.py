"""Scheduled work of loyalty."""

from celery import shared_task

from kernel import clock
from loyalty.services import expiry, levels, membership, redemptions


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


@shared_task
def expire_points(**kwargs: object) -> int:
    """Let points expire whose time is over, and warn those whose time is near."""
    at = clock.now()
    return expiry.expire_points(at=at) + expiry.warn(at=at)


@shared_task
def expire_redemptions(**kwargs: object) -> int:
    """Give back points of redemptions that nobody decided in time."""
    return redemptions.expire_held(at=clock.now())
