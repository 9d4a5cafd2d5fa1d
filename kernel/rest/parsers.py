"""Django REST framework's way to ``bodies``: bounded, strict about what JSON is, and without card numbers.

The wallet's hot path has no parser: its texts are game servers' references, numbers often among them, never people's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from kernel.errors import FieldErrors
from kernel.pan import find_pan
from kernel.rest.bodies import decode, read_body

NO_CARD_NUMBERS = "This looks like a card number. Card numbers are never taken here; send the provider's token."


class FileParser(BaseParser):
    """The body is one file; what it is, is told by its content. At most the view's ``max_body_bytes``."""

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        assert parser_context  # noqa: S101  (DRF always gives it)
        return read_body(parser_context["request"]._request, parser_context["view"].max_body_bytes)


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        assert parser_context  # noqa: S101  (DRF always gives it)
        body = decode(read_body(parser_context["request"]._request), Any)
        found = find_pan(body)
        if found is not None:
            raise FieldErrors({found or "body": [NO_CARD_NUMBERS]})
        return body
