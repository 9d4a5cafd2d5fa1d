"""The base of the API's ordinary views."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel.actors import Actor
from kernel.rest.bodies import check_length
from kernel.rest.tokens import get_token

Form = TypeVar("Form", bound=serializers.Serializer[Any])


class ApiView(APIView):
    """A view for service clients; ``required_scopes`` names the scope that each method needs."""

    required_scopes: ClassVar[dict[str, str]] = {}
    max_body_bytes: ClassVar[int | None] = None  # None: API_MAX_BODY_BYTES

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_length(request._request, self.max_body_bytes)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


def actor_of(request: Request) -> Actor:
    return get_token(request._request).actor


def read(form: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """The request's data as the form takes it. Raises: ValidationError."""
    serializer = form(data=data)
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values
