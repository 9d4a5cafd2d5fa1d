"""What every request carries with it: its id, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from kernel.access import remembering
from kernel.addresses import find_client_ip
from kernel.context import client_ip, request_id, user_agent
from kernel.ids import uuid7

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_LONGEST_AGENT = 400


class RequestContextMiddleware:
    """Sets ``kernel.context`` for the length of a request, and answers with X-Request-ID."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        value = given if _WELL_FORMED.fullmatch(given) else uuid7().hex
        tokens = request_id.set(value), client_ip.set(_client_ip(request)), user_agent.set(_agent(request))
        # Left bound after the answer: Django logs refused requests after the last middleware. The next one clears it.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=value)
        try:
            with remembering():
                response = self.get_response(request)
        finally:
            for variable, token in zip((request_id, client_ip, user_agent), tokens, strict=True):
                variable.reset(token)
        response["X-Request-ID"] = value
        return response


def _client_ip(request: HttpRequest) -> str:
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return find_client_ip(request.META.get("REMOTE_ADDR", ""), forwarded, settings.TRUSTED_PROXIES)


def _agent(request: HttpRequest) -> str:
    agent: str = request.META.get("HTTP_USER_AGENT", "")[:_LONGEST_AGENT]
    return agent.replace("\0", "")
