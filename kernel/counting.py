"""Counters over a span of time, for limits on guessing. They count in Redis for all processes together.

While Redis is away this process counts alone, and says so in the log: a limit is then as many times wider as there are
processes, but never absent.
"""

from __future__ import annotations

import logging
import time
from threading import Lock
from typing import Any

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

# After Redis failed to answer, nobody waits for it again for so long.
RETRY_SECONDS = 5
MAX_LOCAL = 50_000

_redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)
_add = _redis.register_script(
    """local n = redis.call('INCRBY', KEYS[1], ARGV[1])
    if n == tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
    return n"""
)
_local: dict[str, tuple[int, float]] = {}
_lock = Lock()
_away_until = 0.0


def count(key: str, seconds: int, by: int = 1) -> int:
    """Add ``by`` to the counter and return it. It begins anew ``seconds`` after its first count. Atomic."""
    found = _ask(lambda: _add(keys=[_name(key)], args=[by, seconds]))
    return int(found) if found is not None else _count_here(key, seconds, by)


def forgive(key: str) -> None:
    """Begin anew."""
    _ask(lambda: _redis.delete(_name(key)))
    with _lock:
        _local.pop(key, None)


def _ask(question: Any) -> Any:
    """Redis's answer; None while it is away."""
    global _away_until
    if time.monotonic() < _away_until:
        return None
    try:
        return question()
    except (redis.RedisError, OSError) as error:
        _away_until = time.monotonic() + RETRY_SECONDS
        logger.warning("Redis does not answer: limits are counted in this process only (%s)", error)
        return None


def _count_here(key: str, seconds: int, by: int) -> int:
    moment = time.monotonic()
    with _lock:
        number, until = _local.get(key, (0, 0.0))
        if until <= moment:
            number, until = 0, moment + seconds
        if len(_local) >= MAX_LOCAL and key not in _local:
            _local.pop(next(iter(_local)))
        _local[key] = number + by, until
        return number + by


def _name(key: str) -> str:
    return f"count:{key}"
