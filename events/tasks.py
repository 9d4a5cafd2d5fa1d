"""Scheduled work of events."""

from celery import shared_task

from events.services.partitions import ensure_ahead
from kernel import clock


@shared_task
def ensure_partitions(**kwargs: object) -> int:
    """Keep a year of monthly partitions ahead."""
    return ensure_ahead(at=clock.now())
