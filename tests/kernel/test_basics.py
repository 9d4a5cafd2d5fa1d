"""Ids, clock, access, request ids."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.test import RequestFactory

from kernel import clock
from kernel.access import AccessDenied, allowed, require
from kernel.actors import Actor, ActorKind, system
from kernel.context import request_id
from kernel.db import fetch_one
from kernel.errors import FieldErrors
from kernel.ids import uuid7, uuid7_unix_ms
from kernel.middleware import RequestContextMiddleware


def test_ids_are_uuid7_of_now() -> None:
    made = uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert abs(uuid7_unix_ms(made) - time.time() * 1000) < 2000
    assert uuid7(1000) < uuid7(1001)
    assert len({uuid7() for _ in range(1000)}) == 1000


@pytest.mark.usefixtures("db")
def test_the_database_makes_and_reads_the_same_ids() -> None:
    made, at, floor = fetch_one(
        "SELECT id, kernel_uuid7_at(id), kernel_uuid7_floor(kernel_uuid7_at(id)) FROM (SELECT kernel_uuid7() AS id) x"
    )
    assert made.version == 7
    assert uuid7_unix_ms(made) == round(at.timestamp() * 1000)
    assert floor <= made


def test_naive_times_are_refused() -> None:
    with pytest.raises(clock.NaiveTime):
        clock.as_utc(datetime(2026, 1, 1))
    at = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert clock.as_utc(at) == datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


SUPPORT = Actor(ActorKind.STAFF, "7", frozenset({"players.view_player"}))


def test_nothing_is_allowed_that_is_not_granted() -> None:
    assert allowed(SUPPORT, "players.view_player")
    refused = allowed(SUPPORT, "players.change_status")
    assert not refused
    assert refused.reason == "staff has no permission players.change_status"
    with pytest.raises(AccessDenied):
        require(SUPPORT, "players.change_status")
    assert allowed(system("job"), "anything")
    assert str(SUPPORT) == "staff:7"


def test_field_errors_read_like_sentences() -> None:
    assert str(FieldErrors({"email": ["Enter one."], "login": ["Taken."]})) == "email: Enter one.; login: Taken."


@pytest.mark.parametrize(
    ("given", "kept"),
    [("order-4711-abc", True), ("short", False), ("x" * 65, False), ("evil\nline", False), ("", False)],
)
def test_a_request_id_is_kept_when_well_formed_else_made(given: str, kept: bool) -> None:
    seen: list[str] = []

    def view(request: object) -> dict[str, str]:
        seen.append(request_id.get())
        return {}

    headers = {"X-Request-ID": given} if given else {}
    response = RequestContextMiddleware(view)(RequestFactory().get("/", headers=headers))  # type: ignore[arg-type]
    assert response["X-Request-ID"] == seen[0]
    assert (seen[0] == given) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", seen[0])
    assert request_id.get() == ""
