"""One id per request: taken from X-Request-ID when it is well formed, else made; in every log line, event and answer."""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from kernel.access import remembering
from kernel.context import request_id
from kernel.ids import uuid7

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        value = given if _WELL_FORMED.fullmatch(given) else uuid7().hex
        token = request_id.set(value)
        # Left bound after the answer: Django logs refused requests after the last middleware. The next one clears it.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=value)
        try:
            with remembering():
                response = self.get_response(request)
        finally:
            request_id.reset(token)
        response["X-Request-ID"] = value
        return response
