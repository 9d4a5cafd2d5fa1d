"""The API on granian (WSGI), and a client that costs as little as one in Python can: keep-alive and raw sockets."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from uuid import uuid4

from benchmarks.ground import GAME, PLAYERS, player_id
from kernel.scopes import SCOPES
from pms.identity import ensure_client

CLIENT = "bench"


@contextmanager
def server(workers: int = 2) -> Iterator[tuple[int, str]]:
    """A running API: its port, and an access token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "pms.wsgi:application", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", str(workers), "--blocking-threads", "4", "--log-level", "warning"]
    process = subprocess.Popen(command, env=os.environ | {"LOG_LEVEL": "ERROR", "PMS_ROLE": "api"})
    try:
        secret = secrets.token_urlsafe(24)
        ensure_client(client_id=CLIENT, secret=secret, name="Benchmarks", scopes=SCOPES)
        _wait(port)
        yield port, _token(port, secret)
    finally:
        process.terminate()
        process.wait()


def caller(port: int, token: str, request: Callable[[Random], tuple[str, str | None]]) -> Callable[[Random], None]:
    """A call for ``ground``: one request over this process's own connection, the answer read whole.

    ``request`` gives the address below the API, and the body of a POST, or None for a GET.
    """
    head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
    connections: list[socket.socket] = []

    def call(random: Random) -> None:
        if not connections:
            connections.append(socket.create_connection(("127.0.0.1", port)))
            connections[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        path, body = request(random)
        if body is None:
            text = f"GET /api/v1/{path} HTTP/1.1\r\n{head}\r\n"
        else:
            text = f"POST /api/v1/{path} HTTP/1.1\r\n{head}Idempotency-Key: {uuid4()}\r\n"
            text += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        connections[0].sendall(text.encode())
        answer = _read_answer(connections[0])
        assert answer[9:11] == b"20", answer[:600]

    return call


def play(random: Random) -> tuple[str, str]:
    """A request of ``caller``: what ``ground.play_once`` does."""
    return "wallet/plays", (
        f'{{"player_id":"{player_id(random.randint(1, PLAYERS))}","game":"{GAME}","round":"round","stake":"1.00",'
        f'"win":"{random.randint(0, 1)}.00","currency":"EUR"}}'
    )


def worker_memory() -> list[float]:
    """Resident MiB of each worker of the server that this process has started."""
    found = subprocess.run(["ps", "-eo", "pid,ppid,rss,args"], stdout=subprocess.PIPE, text=True, check=True).stdout
    parts = [line.split(None, 3) for line in found.splitlines()[1:]]
    servers = {pid for pid, ppid, _, args in parts if ppid == str(os.getpid()) and "granian" in args}
    return [int(rss) / 1024 for _, ppid, rss, _ in parts if ppid in servers]


def _read_answer(connection: socket.socket) -> bytes:
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + body


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _token(port: int, secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": secret}
    url = f"http://127.0.0.1:{port}/identity/o/api/token"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, urllib.parse.urlencode(form).encode(), timeout=10) as answer:
        token: str = json.load(answer)["access_token"]
        return token
