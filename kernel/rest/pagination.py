"""Pages by keyset: a cursor says after which row to go on, so that page 1,000 costs what page 1 costs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from kernel.errors import DomainError
from kernel.rest.serializers import StrictSerializer

Keys = TypeVar("Keys")
Row = TypeVar("Row")


class InvalidCursor(DomainError):
    """The cursor is not one that this list has given."""

    code = "invalid_cursor"
    title = "This cursor is not valid"
    status = 400


class PageQuery(StrictSerializer):
    """What every list takes."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = serializers.CharField(max_length=500, default="", help_text="Follow `next` instead of building it.")


def encode_cursor(keys: Sequence[object]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(keys)).decode().rstrip("=")


def decode_cursor(text: str, keys: type[Keys]) -> Keys | None:
    """The keys (a tuple type, such as ``tuple[UUID]``) in a cursor; None for the first page. Raises: InvalidCursor."""
    if not text:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=keys)
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError):
        raise InvalidCursor("Take the address in `next` as it is, or leave the cursor out to begin anew.") from None


def page(
    request: Request,
    rows: Sequence[Row],
    limit: int,
    serializer: type[serializers.Serializer[Any]],
    keys: Callable[[Row], Sequence[object]],
) -> Response:
    """Answer with the first ``limit`` of ``rows``, and the way to the rest. Ask the selector for ``limit + 1`` rows."""
    shown = rows[:limit]
    return page_at(request, shown, serializer, keys(shown[-1]) if len(rows) > limit else None)


def page_at(
    request: Request,
    rows: Sequence[Row],
    serializer: type[serializers.Serializer[Any]],
    following: Sequence[object] | None,
) -> Response:
    """Answer with these rows; the rest begins after the keys ``following``, None on the last page."""
    link = None
    if following is not None:
        link = replace_query_param(request.build_absolute_uri(), "cursor", encode_cursor(following))
    return Response({"items": serializer(rows, many=True).data, "next": link})


def whole(rows: Sequence[Row], serializer: type[serializers.Serializer[Any]]) -> Response:
    """Answer with a list that is short by its nature, in the form of a page."""
    return Response({"items": serializer(rows, many=True).data, "next": None})
