"""Scheduled work of players: sessions whose time is over, and what need not be kept for ever."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from kernel import clock
from players.services.sessions import end_expired, prune_store


@shared_task
def end_expired_sessions(**kwargs: Any) -> int:
    """Close the books on sessions whose time is over."""
    return end_expired(at=clock.now())


@shared_task
def prune_logins(**kwargs: Any) -> None:
    """Forget logins that were never completed. Attempts and messages of the sandbox go by ``compliance.purge_rules``."""
    prune_store()
