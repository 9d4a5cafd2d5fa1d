"""Load balancers ask whether this process can serve."""

from __future__ import annotations

from unittest import mock

import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client

pytestmark = pytest.mark.usefixtures("db")


def test_all_is_well() -> None:
    for path in ("/healthz", "/livez"):
        answer = Client().get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_what_does_not_answer_is_named() -> None:
    with mock.patch("kernel.rest.health._redis.ping", side_effect=redis.ConnectionError("secret address")):
        answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "failing", "failing": ["redis"]})
    with mock.patch.object(connection, "cursor", side_effect=OperationalError("secret address")):
        answer = Client().get("/healthz")
        assert Client().get("/livez").status_code == 200
    assert (answer.status_code, answer.json()) == (503, {"status": "failing", "failing": ["database"]})
