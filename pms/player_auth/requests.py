"""What of a request matters at login: where it comes from, and the refusals that end it."""

from __future__ import annotations

from typing import NoReturn

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.headless.internal.restkit.response import APIResponse
from django.http import HttpRequest

from kernel.context import client_ip, user_agent
from kernel.errors import FieldErrors
from players.types_identity import Origin

DEVICE_HEADER = "X-Device-Token"
LONGEST_DEVICE_TOKEN = 100


def origin_of(request: HttpRequest) -> Origin:
    token = request.headers.get(DEVICE_HEADER, "")
    return Origin(client_ip.get(), user_agent.get(), token if len(token) <= LONGEST_DEVICE_TOKEN else "")


def refuse(request: HttpRequest, status: int, code: str, message: str, **more: object) -> NoReturn:
    """End the request with an error in allauth's form; ``more`` stands beside code and message."""
    errors = [{"code": code, "message": message, **more}]
    raise ImmediateHttpResponse(APIResponse(request, status=status, errors=errors))


def refuse_fields(request: HttpRequest, error: FieldErrors) -> NoReturn:
    """End the request with the fields that are wrong, in allauth's form."""
    errors = [
        {"param": name, "code": "invalid", "message": text} for name, texts in error.errors.items() for text in texts
    ]
    raise ImmediateHttpResponse(APIResponse(request, status=400, errors=errors))
