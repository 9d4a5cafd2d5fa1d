"""A cache that may be gone at any moment: reads find nothing then, writes are lost, and nobody gets an error.

For what is kept elsewhere too (sessions stand in the database) or is computed again. Never for counters that hold
somebody back: they would count nothing while Redis is away. Those use the default cache, which raises.
"""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from kernel.breaker import Breaker

# No entry lives longer, and the breaker stays open as long: when a process asks Redis again after an outage, whatever
# was in it before has expired. Otherwise a session that was ended meanwhile would come back to life.
LONGEST_S = 60


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache behind a breaker, with entries of at most ``LONGEST_S`` seconds."""

    _breaker = Breaker("Redis", (RedisError, OSError), LONGEST_S)  # one server, so one breaker per process

    def get_backend_timeout(self, timeout: Any = DEFAULT_TIMEOUT) -> int:
        wanted = super().get_backend_timeout(timeout)
        return LONGEST_S if wanted is None else min(LONGEST_S, int(wanted))

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return self._breaker.call(super().add, False, key, value, timeout, version)

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._breaker.call(super().get, default, key, default, version)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        self._breaker.call(super().set, None, key, value, timeout, version)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return self._breaker.call(super().touch, False, key, timeout, version)

    def delete(self, key: Any, version: Any = None) -> bool:
        return self._breaker.call(super().delete, False, key, version)

    def has_key(self, key: Any, version: Any = None) -> bool:
        return self._breaker.call(super().has_key, False, key, version)
