"""A service client with a real access token, and shorthand to call the API with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.http import HttpResponse
from django.test import Client as Browser

from kernel.rest.tokens import forget_tokens
from kernel.scopes import SCOPES
from pms.identity import ensure_client

SECRET = "a secret of the tests"

_numbers = count(1)


def rsa_key() -> str:
    """A new private key in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Api:
    """Calls below /api/v1/ with a token; every POST gets an Idempotency-Key of its own unless one is given."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.browser = Browser(raise_request_exception=False)

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.browser.get(self._address(path), query or None, headers=self._headers())

    def post(self, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> HttpResponse:
        headers = self._headers() | {"Idempotency-Key": key or f"key-{next(_numbers)}"} | more.pop("headers", {})
        headers = {name: value for name, value in headers.items() if value is not None}
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.browser.post(
            self._address(path), data, **{"content_type": "application/json"} | more, headers=headers
        )

    def patch(self, path: str, body: Any) -> HttpResponse:
        return self.browser.patch(
            self._address(path), json.dumps(body), content_type="application/json", headers=self._headers()
        )

    def put(self, path: str, body: Any) -> HttpResponse:
        headers = self._headers() | {"Idempotency-Key": f"key-{next(_numbers)}"}
        return self.browser.put(self._address(path), json.dumps(body), content_type="application/json", headers=headers)

    def _address(self, path: str) -> str:
        return path if path.startswith(("/", "http")) else f"/api/v1/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@pytest.fixture(autouse=True)
def _fresh_tokens() -> Iterator[None]:
    forget_tokens()
    yield
    forget_tokens()


@pytest.fixture
def token_for(db: None) -> Callable[..., str]:
    """Make a client with these scopes, and get it a token."""

    def get(*scopes: str, client_id: str = "casino") -> str:
        ensure_client(client_id=client_id, secret=SECRET, name=client_id.title(), scopes=scopes)
        answer = Browser().post(
            "/identity/o/api/token",
            {"grant_type": "client_credentials", "client_id": client_id, "client_secret": SECRET},
        )
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])

    return get


@pytest.fixture
def api(token_for: Callable[..., str]) -> Api:
    """A client that may do everything."""
    return Api(token_for(*SCOPES))


def problem(answer: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Assert that the answer is a complete RFC 9457 problem, and return it."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code), body
    assert body["title"]
    assert body["detail"]
    assert body["type"] == f"/api/docs/problems#{code}"
    assert body["request_id"] == answer["X-Request-ID"]
    return body
