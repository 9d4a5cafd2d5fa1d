"""A ceiling on each client's requests per minute, against programs gone wild; not on the wallet's hot path.

There a look into Redis would cost a noticeable part of the whole call, and a refused win or rollback would only come
again; what bounds those is the number of web processes.
"""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from kernel.rest.limits import count, seconds_left
from kernel.rest.tokens import find_token


class ClientThrottle(BaseThrottle):
    """The client's own ceiling, or API_REQUESTS_PER_MINUTE."""

    def allow_request(self, request: Request, view: object) -> bool:
        token = find_token(request._request)
        if token is None:
            return True
        ceiling = token.requests_per_minute or settings.API_REQUESTS_PER_MINUTE
        return count(f"api-requests:{token.client_id}") <= ceiling

    def wait(self) -> float:
        return seconds_left()
