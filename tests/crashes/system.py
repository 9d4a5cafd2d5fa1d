"""The whole system, as the demo runs it, on durable servers of its own: to be killed part by part."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import connections
from django.test import override_settings

from pms.runtime import demo, supervisor
from pms.runtime.home import Home, find_home, port_is_free
from pms.runtime.services import start_services
from pms.runtime.supervisor import Program, Supervisor

PATIENCE_S = 60
DATABASES = {"default": "DATABASE_URL", "keys": "KEYS_DATABASE_URL"}


class System:
    """PostgreSQL, Valkey, web server, worker, beat and consumers under the project's own supervisor, in a thread."""

    def __init__(self, folder: Path) -> None:
        usual = find_home({})
        usual.open()  # the programs are copied into it
        self.home = Home(folder, usual.account, usual.programs)
        self.port = next(port for port in range(18_000, 19_000) if port_is_free("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self.port}"
        self.env: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._supervisor = Supervisor()

    def start(self) -> None:
        self.home.open()
        self._thread.start()
        variables = self._run(start_services(self._supervisor, self.home, environ={}))
        self.env = {**os.environ, **variables, "SEALS_PATH": str(self.home.path / "seals")}
        for alias in DATABASES:
            migrate = Program("migrate", [sys.executable, "manage.py", "migrate", "--database", alias], self.env)
            assert self._run(self._supervisor.run(migrate, quiet=True)) == 0

    def start_processes(self) -> None:
        """Every role of the demo but its casino: what plays here is the test."""
        for program in demo.programs(self.home, self.env, "127.0.0.1", self.port):
            if program.name != "casino":
                self._run(self._supervisor.start(program))

    def stop(self) -> None:
        self._run(self._supervisor.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def program(self, name: str) -> Program:
        return next(program for program in self._supervisor.programs if program.name == name)

    def kill(self, name: str) -> None:
        """SIGKILL: the postmaster or Valkey alone, of the other roles the whole process group."""
        program = self.program(name)
        assert program.process
        (os.kill if program.service else os.killpg)(program.process.pid, signal.SIGKILL)

    def killed(self, name: str) -> Callable[[], bool]:
        """Kill it; the answer tells whether another process has taken its place and does its work."""
        program, old = self.program(name), self.program(name).process
        self.kill(name)
        return lambda: program.process not in (old, None) and (program.ready is None or program.ready())

    @contextmanager
    def here(self) -> Iterator[None]:
        """Inside, this process works on the system's database and seals by the project's services."""
        connections.close_all()
        before = {alias: dict(connections[alias].settings_dict) for alias in DATABASES}
        for alias, variable in DATABASES.items():
            connections[alias].settings_dict.update(_where(self.env[variable]))
        secrets = {
            "SECRET_KEY": self.env["SECRET_KEY"],
            "PERSONAL_KEYS": self.env["PERSONAL_KEYS"].split(","),
            "PERSONAL_INDEX_KEY": self.env["PERSONAL_INDEX_KEY"],
            "SEALS_PATH": Path(self.env["SEALS_PATH"]),
            "SEAL_PRIVATE_KEYS": self.env["SEAL_PRIVATE_KEYS"].split(","),
        }
        try:
            with override_settings(**secrets):
                yield
        finally:
            connections.close_all()
            for alias, own in before.items():
                connections[alias].settings_dict.update(own)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=180)


def _where(url: str) -> dict[str, object]:
    target = urlsplit(url)
    return {
        "NAME": target.path[1:],
        "USER": target.username,
        "PASSWORD": unquote(target.password or ""),
        "HOST": target.hostname,
        "PORT": target.port,
    }


@contextmanager
def running() -> Iterator[System]:
    """A system with its database migrated and nothing else; everything is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pms-crashes-"))
    folder.chmod(0o755)  # the services run as an account of their own
    pauses = supervisor.FIRST_PAUSE_SECONDS, supervisor.RESTARTS_PER_MINUTE, supervisor.LONGEST_PAUSE_SECONDS
    # What dies is started again at once: many deaths a minute are the point here.
    supervisor.FIRST_PAUSE_SECONDS, supervisor.RESTARTS_PER_MINUTE, supervisor.LONGEST_PAUSE_SECONDS = 0.3, 1_000, 1.0
    system = System(folder)
    try:
        system.start()
        yield system
    finally:
        system.stop()
        supervisor.FIRST_PAUSE_SECONDS, supervisor.RESTARTS_PER_MINUTE, supervisor.LONGEST_PAUSE_SECONDS = pauses
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {patience_s} s"
        time.sleep(0.1)
