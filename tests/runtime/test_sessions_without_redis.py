"""Redis is killed while people work: nobody is thrown out, nothing that counts attempts lets anybody through."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from redis.exceptions import RedisError

from kernel.breaker import Breaker
from kernel.cache import LONGEST_S, ForgivingRedisCache
from players.services.staff_throttling import LIMITS
from pms.runtime.home import find_home
from pms.runtime.valkey import find_binary
from tests.staff import staff_client, staff_id, text_of

pytestmark = pytest.mark.usefixtures("db")


class Server:
    """A Valkey of the test's own, which it may kill."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command: list[str | Path] = [find_binary(find_home(os.environ)), "--port", str(self.port), "--save", ""]
        self.process = subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """All caches are on this server; every process starts with a closed breaker."""
    running = Server()
    running.start()
    settings.CACHES = {name: {**cache, "LOCATION": running.url} for name, cache in settings.CACHES.items()}
    monkeypatch.setattr(ForgivingRedisCache, "_breaker", Breaker("Redis", (RedisError, OSError), LONGEST_S))
    yield running
    if running.process.poll() is None:
        running.kill()


def test_nobody_is_thrown_out_when_redis_is_killed(server: Server) -> None:
    client = staff_client("operations")
    assert client.get("/admin/").status_code == 200
    server.kill()
    for address in ("/admin/", "/admin/players/player/", "/admin/search/?s=anna&extended=1", "/admin/session/"):
        assert client.get(address).status_code == 200, address
    assert client.post("/admin/session/stay/").status_code == 200
    assert staff_client("support_agent").get("/admin/").status_code == 200, "a new login, too"
    client.post("/admin/logout/")
    assert client.get("/admin/").status_code == 302


def test_only_the_first_request_waits_for_the_dead_server(server: Server) -> None:
    client = staff_client("operations")
    server.kill()
    client.get("/admin/session/")
    asked: list[object] = []
    caches["forgiving"]._cache.get = lambda *args: asked.append(args)  # type: ignore[attr-defined]
    client.get("/admin/session/")
    assert asked == []


def test_a_session_that_was_ended_meanwhile_does_not_come_back_with_redis(server: Server) -> None:
    client = staff_client("operations")
    assert client.get("/admin/session/").status_code == 200
    os.kill(server.process.pid, signal.SIGSTOP)  # it is silent, and keeps what it had
    client.post("/admin/logout/")
    os.kill(server.process.pid, signal.SIGCONT)
    assert client.get("/admin/").status_code == 302


def test_logins_are_counted_without_redis(server: Server) -> None:
    staff_id("operations")
    server.kill()
    form = {"username": "operations-1", "password": "wrong", "next": "/admin/"}
    for _ in range(LIMITS["login and address"]):
        assert "too many attempts" in text_of(Client().post("/admin/login/", form))
    right = {**form, "password": "long enough 1"}
    assert Client().post("/admin/login/", right).status_code == 200, "locked, as with Redis"


def test_counters_of_requests_raise_rather_than_find_nothing(server: Server) -> None:
    server.kill()
    with pytest.raises(RedisError):
        caches["default"].incr("attempts")
    assert caches["forgiving"].get("attempts", 0) == 0


def test_nothing_stays_in_the_forgiving_cache_longer_than_its_breaker_is_open(server: Server) -> None:
    caches["forgiving"].set("kept", 1, timeout=None)
    assert 0 < caches["forgiving"]._cache.get_client().ttl(":1:kept") <= LONGEST_S  # type: ignore[attr-defined]
