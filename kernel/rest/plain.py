"""Plain Django views for the hot path: the API's rules (token, scope, problems) without a framework's weight."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from kernel.access import AccessDenied, require
from kernel.actors import Actor
from kernel.errors import DomainError
from kernel.rest.problems import note_refusal, problem_of
from kernel.rest.tokens import get_token

_encode = msgspec.json.Encoder().encode

PlainView = Callable[..., HttpResponse]


class WrongMethod(DomainError):
    """This address takes another method."""

    code = "method_not_allowed"
    title = "Method not allowed"
    status = 405


def api_view(method: str, scope: str) -> Callable[[Callable[..., HttpResponse]], PlainView]:
    """Give the view to clients with ``scope``; it gets their Actor as second argument, and may raise DomainError."""
    methods = (method, "HEAD") if method == "GET" else (method,)

    def decorate(view: Callable[..., HttpResponse]) -> PlainView:
        @csrf_exempt
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                if request.method not in methods:
                    raise WrongMethod(f"Use {method} here.")
                actor: Actor = get_token(request).actor
                require(actor, scope)
                return view(request, actor, *args, **kwargs)
            except Exception as error:
                if isinstance(error, AccessDenied):
                    note_refusal(request, error, kwargs)
                response = problem_of(error)
                if isinstance(error, WrongMethod):
                    response["Allow"] = ", ".join(methods)
                return response

        return guarded

    return decorate


def json_answer(body: object) -> HttpResponse:
    """200 with a msgspec struct, or anything else that msgspec encodes."""
    response = HttpResponse(_encode(body), content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
