"""Requests to addresses that people typed in."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from pytest_django import Settings

from kernel import outgoing


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def neighbour() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine: its address and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302 if self.path == "/redirect" else 200)
            self.send_header("Location", f"http://localhost:{server.server_port}/secret")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_the_systems_neighbours_are_never_called(neighbour: tuple[str, list[str]]) -> None:
    base, asked = neighbour
    port = base.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1"):
        with pytest.raises(requests.ConnectionError):
            outgoing.new_session().get(f"http://{host}:{port}/")
    assert asked == []


def test_hosts_that_the_operator_names_are_called(neighbour: tuple[str, list[str]], settings: Settings) -> None:
    base, asked = neighbour
    settings.OUTGOING_PRIVATE_HOSTS = ["127.0.0.1"]
    assert outgoing.new_session().get(f"{base}/hello").status_code == 200
    with pytest.raises(requests.ConnectionError, match="private network"):
        outgoing.new_session().get(f"{base}/redirect")  # to a name that is not allowed
    assert asked == ["/hello", "/redirect"]


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "169.254.169.254", "192.168.1.1", "172.16.0.1", "::1", "fd00::1", "fe80::1%eth0", "224.0.0.1"],
)
def test_private_addresses_are_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [(0, 0, 0, "", (address, 80))])
    with pytest.raises(outgoing.ForbiddenAddress):
        outgoing.find_address("innocent.example", 80)


def test_a_name_with_one_public_address_goes_there_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(0, 0, 0, "", (address, 80)) for address in ("10.0.0.1", "93.184.215.14")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answers)
    assert outgoing.find_address("innocent.example", 80) == "93.184.215.14"
