"""Scheduled work of events."""

from celery import shared_task

from events.services.audit_sealing import seal_audit as seal
from events.services.partitions import ensure_ahead
from kernel import clock


@shared_task
def ensure_partitions(**kwargs: object) -> int:
    """Keep a year of monthly partitions ahead."""
    return ensure_ahead(at=clock.now())


@shared_task
def seal_audit(**kwargs: object) -> int:
    """Seal what is settled of the audit trail since the last seal; how many seals were made."""
    return sum(1 for _ in seal(at=clock.now()))
