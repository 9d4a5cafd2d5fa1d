"""Django REST framework's way to ``bodies``: bounded, and strict about what JSON is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from kernel.rest.bodies import decode, read_body


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        assert parser_context  # noqa: S101  (DRF always gives it)
        return decode(read_body(parser_context["request"]._request), Any)
