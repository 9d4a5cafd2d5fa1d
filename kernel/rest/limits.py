"""Counting per minute, for ceilings: in Redis for all processes together, or here alone while Redis is away.

A ceiling never fails open: without Redis each process counts for itself, and says so in the log.
"""

from __future__ import annotations

import logging
from collections import Counter
from threading import Lock

from django.core.cache import cache
from redis.exceptions import RedisError

from kernel import clock

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60

_local: Counter[str] = Counter()
_lock = Lock()
_local_window = 0


def count(name: str) -> int:
    """How often ``name`` was counted in this minute, this time included."""
    window = int(clock.now().timestamp() // WINDOW_SECONDS)
    key = f"{name}:{window}"
    try:
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        return cache.incr(key)
    except (RedisError, OSError, ValueError):  # ValueError: evicted in between
        return _count_here(name, window)


def seconds_left() -> float:
    """Until the next minute begins."""
    moment = clock.now().timestamp()
    return WINDOW_SECONDS - moment % WINDOW_SECONDS


def _count_here(name: str, window: int) -> int:
    global _local_window
    with _lock:
        if _local_window != window:
            logger.warning("Redis does not answer: requests are counted in this process only")
            _local_window = window
            _local.clear()
        _local[name] += 1
        return _local[name]
