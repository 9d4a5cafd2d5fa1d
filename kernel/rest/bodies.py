"""Request bodies: JSON, of bounded size, and read into a declared form or refused with the reason."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.http import HttpRequest

from kernel.clock import as_utc
from kernel.currencies import UnknownCurrency
from kernel.errors import DomainError, FieldErrors
from kernel.money import InvalidAmount, Money

Body = TypeVar("Body")

_AT = re.compile(r"(?P<text>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)  # names of fields are foreign text
_NAMED = re.compile(r"Object (missing required|contains unknown) field `(.*?)`", re.DOTALL)


class BodyTooLarge(DomainError):
    """The body is larger than the API takes."""

    code = "body_too_large"
    title = "Body too large"
    status = 413


class MalformedBody(DomainError):
    """The body is not JSON."""

    code = "malformed_body"
    title = "The body is not well-formed JSON"
    status = 400


class NotJson(DomainError):
    """The body says that it is something else than JSON."""

    code = "unsupported_media_type"
    title = "Only JSON is read here"
    status = 415


class LengthMissing(DomainError):
    """The body came in chunks, without saying how long it is."""

    code = "length_missing"
    title = "Content-Length is needed"
    status = 411


def check_length(request: HttpRequest, max_bytes: int | None = None) -> int:
    """How many bytes may be read: API_MAX_BODY_BYTES, where ``max_bytes`` allows no more.

    Raises: LengthMissing (not every server that we run on can read such bodies), BodyTooLarge.
    """
    limit: int = max_bytes or settings.API_MAX_BODY_BYTES
    announced = request.META.get("CONTENT_LENGTH") or ""
    if not announced and "HTTP_TRANSFER_ENCODING" in request.META:
        raise LengthMissing("Send the body with a Content-Length, not in chunks.")
    if announced and not (announced.isdigit() and int(announced) <= limit):
        raise BodyTooLarge(f"The body may have at most {limit} bytes.", max_bytes=limit)
    return limit


def read_body(request: HttpRequest, max_bytes: int | None = None) -> bytes:
    """The whole body. Raises: LengthMissing, BodyTooLarge."""
    body: bytes = request.read(check_length(request, max_bytes))
    return body


def decode(body: bytes, form: type[Body]) -> Body:
    """The body as ``form``: a msgspec struct, or Any. Raises: MalformedBody, FieldErrors naming the first wrong field."""
    try:
        return msgspec.json.decode(body, type=form)
    except msgspec.ValidationError as error:
        raise FieldErrors(_explain(str(error))) from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    except (msgspec.DecodeError, ValueError):  # ValueError: bytes that are not UTF-8
        raise MalformedBody("The body must be one JSON value in UTF-8, without lone surrogates.") from None


def read_json(request: HttpRequest, form: type[Body], max_bytes: int | None = None) -> Body:
    """The request's JSON body as ``form``. Raises: NotJson, LengthMissing, BodyTooLarge, MalformedBody, FieldErrors."""
    if request.content_type != "application/json":
        raise NotJson("Send the body with Content-Type: application/json.")
    return decode(read_body(request, max_bytes), form)


def read_money(field: str, amount: str, currency: str) -> Money:
    """Raises: FieldErrors naming ``field`` or ``currency``."""
    try:
        return Money.parse(amount, currency)
    except UnknownCurrency:
        raise FieldErrors({"currency": ["Give a currency as three capital letters (ISO 4217), such as EUR."]}) from None
    except InvalidAmount as error:
        raise FieldErrors({field: [str(error)]}) from None


def _explain(message: str) -> dict[str, list[str]]:
    """msgspec's sentence by the field that it speaks of."""
    named = _NAMED.match(message)
    found: Any = _AT.fullmatch(message)
    if named:
        text = "This field is needed." if named[1] == "missing required" else "There is no such field; leave it out."
        return {f"{found['path']}.{named[2]}" if found["path"] else named[2]: [text]}
    return {found["path"] or "body": [f"{found['text']}."]}


def read_moment(field: str, text: str) -> datetime:
    """A moment from the wire, RFC 3339 with its zone. Raises: FieldErrors."""
    try:
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise FieldErrors({field: ["Write the moment in RFC 3339, such as 2026-03-14T15:09:26Z."]}) from None
