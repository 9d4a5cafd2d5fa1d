"""What the login's own description allows, and what it does not: nothing makes the server fail or lets anybody in."""

from __future__ import annotations

import json

import pytest
import schemathesis
from django.test import Client as Browser
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode

from pms.player_auth import middleware
from pms.wsgi import application
from tests.identity.calls import Program, registered

pytestmark = pytest.mark.usefixtures("db")
PREFIX = "/_allauth/app/v1/"
ODD = [
    b"", b"[]", b"null", b"1", b'"x"', b"{", b"\xff\xfe", b'{"email": "\\ud800"}', b'{"a": ' + b"[" * 3000, b"{}",
    b'{"email": null, "password": null}', b'{"email": {"$ne": ""}, "password": ["a"]}', b'{"username": "\\u0000"}',
    b'{"email": "a@b.example", "password": "\\u0000"}', b'{"phone": "+\xd9\xa1\xd9\xa2\xd9\xa3", "password": "x"}',
    b'{"credential": {"response": {"userHandle": 1}}}', b'{"credential": [1]}', b'{"credential": "x"}',
    b'{"credential": {"id": "a", "rawId": "b", "type": "public-key", "response": {"clientDataJSON": "!"}}}',
    b'{"code": {"a": 1}}', b'{"refresh_token": ["a"]}', b'{"key": "' + b"A" * 60_000 + b'"}', b'{"key": ' + b"9" * 5000 + b"}",
]  # fmt: skip


def addresses() -> list[tuple[str, str]]:
    """Every method and path that allauth describes for programs."""
    described = json.loads(Browser().get("/_allauth/openapi.json").content)
    found = [
        (method.upper(), path.replace("{client}", "app"))
        for path, methods in described["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    ]
    return [(method, path) for method, path in found if path.startswith(PREFIX)]


def test_odd_bodies_are_refused_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "LIMITS", {"": 10**9})
    program, _ = registered()
    anonymous = Program()
    listed = addresses()
    assert len(listed) > 30
    for method, path in listed:
        for number, body in enumerate(ODD if method != "GET" else [b""]):
            for who in (anonymous, program) if number % 4 == len(path) % 4 else (anonymous,):
                if who is program and method == "DELETE" and path.endswith("session"):
                    continue
                answer = who.auth(method, path.removeprefix(PREFIX), body)
                assert answer.status_code < 500, (method, path, body[:80], answer.content[:200])
                assert answer.status_code != 200 or who is program or method == "GET", (method, path, body[:80])


def test_bodies_are_bounded_and_requests_counted() -> None:
    assert Program().auth("POST", "auth/login", b'{"password": "' + b"x" * 70_000 + b'"}').status_code == 413
    statuses = [Program().auth("POST", "auth/signup", {}).status_code for _ in range(25)]
    assert statuses == [400] * 20 + [429] * 5


def run(examples: int) -> int:
    schema = schemathesis.openapi.from_wsgi("/_allauth/openapi.json", application)
    checked = 0
    for operation in (result.ok() for result in schema.get_all_operations()):
        if not operation.path.startswith(PREFIX.replace("app", "{client}")) and PREFIX not in operation.path:
            continue
        program, _ = registered()

        @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        @profile(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def holds(case: schemathesis.Case) -> None:
            case.path_parameters = {"client": "app"} if "{client}" in case.operation.path else {}
            headers = {"Authorization": f"Bearer {program.access}"} if case.method != "DELETE" else {}  # noqa: B023
            case.call_and_validate(headers=headers, checks=[not_a_server_error])

        holds()
        checked += 1
    return checked


def test_what_is_generated_from_the_description_makes_nothing_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "LIMITS", {"": 10**9})
    assert run(examples=2) > 30


@pytest.mark.slow
def test_much_more_of_it_makes_nothing_fail_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "LIMITS", {"": 10**9})
    assert run(examples=300) > 30
