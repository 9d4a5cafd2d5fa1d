"""What holds for every request at /_allauth/: well-formed JSON of bounded size, and so many per address and minute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from kernel.counting import count
from kernel.errors import DomainError
from kernel.rest.bodies import check_length, decode
from pms.player_auth.requests import origin_of

PREFIX = "/_allauth/"
WINDOW_SECONDS = 60
# Requests of one address per minute, by the end of the path; all others share the last.
LIMITS = {"auth/signup": 20, "auth/password/request": 20, "auth/password/reset": 20, "auth/login": 60, "": 240}


class PlayerLoginMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PREFIX):
            return self.get_response(request)
        refusal = self._refuse(request)
        return refusal or self.get_response(request)

    def _refuse(self, request: HttpRequest) -> HttpResponse | None:
        name = next(name for name in LIMITS if request.path.endswith(name))
        if count(f"allauth:{name}:{origin_of(request).ip}", WINDOW_SECONDS) > LIMITS[name]:
            return _error(429, "rate_limited", "Too many requests. Try again in a minute.")
        try:
            check_length(request)
            body: Any = decode(request.body, Any) if request.body else {}
        except DomainError as error:
            return _error(error.status, error.code, error.detail)
        if not isinstance(body, dict):
            return _error(400, "malformed_body", "The body must be a JSON object.")
        return None


def _error(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse({"status": status, "errors": [{"code": code, "message": message}]}, status=status)
