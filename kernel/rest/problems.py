"""Every error that leaves the API is one of these: an RFC 9457 problem, made here and nowhere else."""

from __future__ import annotations

import json
import logging
import math
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views import defaults
from rest_framework.exceptions import APIException, ValidationError

from kernel import clock
from kernel.access import AccessDenied
from kernel.context import request_id
from kernel.denials import Denial, player_in, report_denial
from kernel.errors import DomainError, FieldErrors
from kernel.rest.tokens import Unauthenticated, get_token

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPES_PATH = "/api/docs/problems#"

# What Django raises, as (status, code, what the caller is told).
_DJANGO: dict[type[Exception], tuple[int, str, str]] = {
    Http404: (404, "not_found", "There is nothing at this address."),
    PermissionDenied: (403, "access_denied", "This is not allowed."),
    RequestDataTooBig: (413, "body_too_large", "The body is larger than this API takes."),
    SuspiciousOperation: (400, "bad_request", "The request is not well formed."),
    BadRequest: (400, "bad_request", "The request is not well formed."),
}

_registered: dict[str, tuple[int, str]] = {}


def register_problem(code: str, status: int, title: str) -> None:
    """Name a problem that is no DomainError's, for the catalogue."""
    _registered[code] = (status, title)


def problem(status: int, code: str, detail: str, *, title: str = "", **members: object) -> HttpResponse:
    """The answer for one error. ``members`` are extension members; ``code`` is what programs decide on."""
    body = {
        **members,
        "type": TYPES_PATH + code,
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id.get(),
    }
    response = HttpResponse(json.dumps(body, default=str), status=status, content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def problem_of(error: Exception) -> HttpResponse:
    """The problem for an exception. What nobody foresaw is logged with its traceback and told without any of it."""
    if isinstance(error, DomainError):
        members = {"errors": error.errors} if isinstance(error, FieldErrors) else error.data
        return problem(error.status, error.code, error.detail, title=error.title, **members)
    if isinstance(error, ValidationError):
        return problem_of(FieldErrors(_field_errors(error.detail)))
    if isinstance(error, APIException):
        response = problem(error.status_code, str(error.default_code), str(error.detail))
        wait = getattr(error, "wait", None)  # of Throttled
        if wait is not None:
            response["Retry-After"] = str(math.ceil(wait))
        return response
    for kind, (status, code, text) in _DJANGO.items():
        if isinstance(error, kind):
            return problem(status, code, text)
    logger.error("unhandled error in the API", exc_info=error)
    return problem(500, "internal_error", "Something went wrong here. The request id leads us to it.")


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Django REST framework's hook."""
    if isinstance(error, AccessDenied):
        request: HttpRequest = context["request"]._request
        note_refusal(request, error, context.get("kwargs") or {})
    return problem_of(error)


def note_refusal(request: HttpRequest, error: AccessDenied, address: dict[str, object]) -> None:
    """Tell the audit trail that the client at this request was refused; ``address`` is what its address holds."""
    try:
        actor = get_token(request).actor
    except Unauthenticated:
        return
    report_denial(Denial(actor, request.path, error.detail, clock.now(), player_in(address)))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404: a problem for the API, the ordinary page elsewhere."""
    return problem_of(Http404()) if _is_api(request) else defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler400."""
    return problem_of(BadRequest()) if _is_api(request) else defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's handler500; Django itself has logged the error."""
    if not _is_api(request):
        return defaults.server_error(request)
    return problem(500, "internal_error", "Something went wrong here. The request id leads us to it.")


def catalogue(request: HttpRequest) -> HttpResponse:
    """What the problems' ``type`` points to: every code that the domain knows, with its status."""
    known = {code: {"status": status, "title": title} for code, (status, title) in _registered.items()}
    known |= {kind.code: {"status": kind.status, "title": kind.title} for kind in _subclasses(DomainError)}
    return JsonResponse(known, json_dumps_params={"indent": 1, "sort_keys": True})


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _subclasses(kind: type[DomainError]) -> set[type[DomainError]]:
    return {kind for child in kind.__subclasses__() for kind in {child} | _subclasses(child)}


def _field_errors(detail: object, path: str = "") -> dict[str, list[str]]:
    """DRF's nested errors by dotted field name."""
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for key, value in detail.items():
            name = path or "body" if key == "non_field_errors" else f"{path}.{key}".lstrip(".")
            found |= _field_errors(value, name)
        return found
    texts = detail if isinstance(detail, list) else [detail]
    return {path or "body": [str(text) for text in texts]}
