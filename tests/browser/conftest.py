"""A real Chromium against a real server: granian with HTTP and WebSocket, on the test's own database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.staff import staff_client

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session", autouse=True)
def _sync_database_calls_beside_playwright() -> Iterator[None]:
    """Playwright's sync API keeps an event loop in this thread, beside which Django refuses to ask the database."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("static")
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(command, env=os.environ | {"STATIC_ROOT": str(root)}, check=True)
    return root


class Server:
    """The web server of one test; it can be stopped and started again on the same port."""

    def __init__(self, static_root: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = os.environ | {"STATIC_ROOT": str(static_root)}

    def start(self) -> None:
        command = [sys.executable, "-m", "granian", "--interface", "asginl", "pms.asgi:application", "--workers", "1"]
        command += ["--workers-kill-timeout", "5"]  # a socket that a page left open does not keep it up
        command += ["--log-level", "warning", "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(command, env=self.env)
        deadline = time.monotonic() + 120
        while not self._answers():
            assert self.process.poll() is None, "the server has stopped"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/admin/login/", timeout=5) as response:  # noqa: S310  (our own address)
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture
def server(db: None, static_root: Path) -> Iterator[Server]:
    running = Server(static_root)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A window of somebody in operations, in Berlin; scripts that fail fail the test."""
    context = browser.new_context(
        base_url=server.url, viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="Europe/Berlin"
    )
    window = context.new_page()
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    yield window
    context.close()
    assert errors == []


def log_in(page: Page, role: str = "operations") -> None:
    """Open home as somebody with this role; how people log in is test_staff_login's to show."""
    client = staff_client(role)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    address = {"url": page.context.request.get("/healthz").url.removesuffix("healthz")}
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, **address}])
    page.goto("/admin/")
