"""How the API is described (OpenAPI 3.1): scopes, problems and the Idempotency-Key header on every operation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from kernel.rest.serializers import ProblemSerializer
from kernel.scopes import SCOPES

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    OpenApiParameter.HEADER,
    required=True,
    description="Names this request; a retry sends the same key and content, and nothing happens twice.",
)

_SECURITY = "clientCredentials"
_PROBLEM = {"description": "A problem; see `code`."}


class ClientTokenScheme(OpenApiAuthenticationExtension):
    target_class = "kernel.rest.authentication.ClientTokenAuthentication"
    name = _SECURITY

    def get_security_requirement(self, auto_schema: AutoSchema) -> dict[str, list[Any]]:
        scopes = getattr(auto_schema.view, "required_scopes", {})
        return {_SECURITY: [scopes[auto_schema.method]] if auto_schema.method in scopes else []}

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        flow = {"tokenUrl": "/identity/o/api/token", "scopes": SCOPES}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}


class PlayerTokenScheme(OpenApiAuthenticationExtension):
    target_class = "kernel.rest.me.PlayerTokenAuthentication"
    name = "playerToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        text = (
            "A player's access token, from a login at /_allauth/app/v1/auth/login. It opens only what is the player's."
        )
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": text}


class ApiSchema(AutoSchema):
    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        responses: dict[str, Any] = super()._get_response_bodies(direction)
        component = self.resolve_serializer(ProblemSerializer, "response")
        responses["default"] = _PROBLEM | {"content": {"application/problem+json": {"schema": component.ref}}}
        return responses


@dataclass(frozen=True, slots=True)
class PlainOperation:
    """A plain Django view of the hot path, as it shall stand in the description; ``body`` and ``answer`` are structs."""

    path: str
    method: str
    name: str
    tag: str
    scope: str
    text: str
    body: type[msgspec.Struct] | None
    answer: type[msgspec.Struct]
    query: tuple[tuple[str, dict[str, str], str], ...] = ()  # name, schema, description
    keyed: bool = True  # whether the Idempotency-Key header names it; else the body brings keys


def describe_plain(result: dict[str, Any], operations: Sequence[PlainOperation]) -> dict[str, Any]:
    """Add plain views to drf-spectacular's result; their forms are described by msgspec itself."""
    structs = [struct for operation in operations for struct in (operation.body, operation.answer) if struct]
    _, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    result["components"]["schemas"] |= components
    for operation in operations:
        result["paths"].setdefault(operation.path, {})[operation.method] = _operation(operation)
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _operation(operation: PlainOperation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = []
    for name in re.findall(r"{(\w+)}", operation.path):
        schema = {"type": "string", "format": "uuid"}
        parameters.append({"in": "path", "name": name, "required": True, "schema": schema})
    for name, schema, text in operation.query:
        parameters.append({"in": "query", "name": name, "schema": schema, "description": text})
    described: dict[str, Any] = {
        "operationId": operation.name,
        "description": operation.text,
        "tags": [operation.tag],
        "security": [{_SECURITY: [operation.scope]}],
        "parameters": parameters,
        "responses": {
            "200": {"description": "", "content": {"application/json": {"schema": _ref(operation.answer)}}},
            "default": _PROBLEM
            | {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
        },
    }
    if operation.body and operation.keyed:
        parameters.append(
            {
                "in": "header",
                "name": IDEMPOTENCY_KEY.name,
                "required": True,
                "schema": IDEMPOTENCY_KEY.type,
                "description": IDEMPOTENCY_KEY.description,
            }
        )
    if operation.body:
        content = {"application/json": {"schema": _ref(operation.body)}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _ref(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{struct.__name__}"}
