"""A ceiling on each client's requests per minute, against programs gone wild; not on the wallet's hot path.

There a look into Redis would cost a noticeable part of the whole call, and a refused win or rollback would only come
again; what bounds those is the number of web processes.
"""

from __future__ import annotations

import logging
from collections import Counter

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from kernel import clock
from kernel.rest.tokens import find_token

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60


class ClientThrottle(BaseThrottle):
    """Counts in Redis for all processes together; while Redis is away, in this process alone, and says so in the log."""

    _local: Counter[str] = Counter()
    _local_window = 0

    def allow_request(self, request: Request, view: object) -> bool:
        token = find_token(request._request)
        if token is None:
            return True
        moment = clock.now().timestamp()
        window = int(moment // WINDOW_SECONDS)
        self.seconds_left = (window + 1) * WINDOW_SECONDS - moment
        return self._count(token.client_id, window) <= settings.API_REQUESTS_PER_MINUTE

    def wait(self) -> float:
        return self.seconds_left

    def _count(self, client_id: str, window: int) -> int:
        key = f"api-requests:{client_id}:{window}"
        try:
            cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
            return cache.incr(key)
        except (RedisError, OSError, ValueError):  # ValueError: evicted in between
            return self._count_here(client_id, window)

    def _count_here(self, client_id: str, window: int) -> int:
        if ClientThrottle._local_window != window:
            logger.warning("Redis does not answer: API requests are counted in this process only")
            ClientThrottle._local_window = window
            self._local.clear()
        self._local[client_id] += 1
        return self._local[client_id]
