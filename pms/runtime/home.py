"""Where the system keeps its data on this machine, and the account its services run as.

`PMS_HOME` names the folder; without it, it is `.pms` in the project. PostgreSQL refuses to run as root: for root
the services run as `nobody`, and the folder lies below /var/lib/pms, because a project below /root is out of
nobody's reach.
"""

import fcntl
import hashlib
import json
import os
import pwd
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
SHARED_HOMES = Path("/var/lib/pms")
MARKER = ".pms-home"
MARKER_TEXT = "Data of a Player Management System demo. `make demo-reset` deletes it.\n"
LOCK = "lock"


class SetupError(Exception):
    """Something about this machine or its data stands in the way. The message names the fact and the remedy."""


class AlreadyRunning(SetupError):
    """Another process holds the home's lock; `pid` is its id, or None while it starts."""

    def __init__(self, home: "Home", pid: int | None) -> None:
        self.pid = pid
        super().__init__(
            f"It is already running on {home.path} (process {pid}). Stop that one first with Ctrl-C in its terminal "
            f"or `kill {pid}`, or choose another data folder: PMS_HOME=/some/folder make demo"
        )


@dataclass(frozen=True)
class Account:
    """The operating-system account that the services run as."""

    uid: int
    gid: int


def run_as(account: Account | None) -> dict[str, Any]:
    """The arguments that make `subprocess` run a program as that account, in a folder that it may enter."""
    if account is None:
        return {"cwd": PROJECT}
    return {"user": account.uid, "group": account.gid, "extra_groups": [], "cwd": "/"}


@dataclass(frozen=True)
class Home:
    """A data folder. `account` is None when the services run as whoever calls."""

    path: Path
    account: Account | None
    programs: Path

    def child(self, name: str) -> "Home":
        """A home of its own inside this one, sharing the copied programs (for the tests and the benchmarks)."""
        return Home(self.path / name, self.account, self.programs)

    def open(self) -> None:
        """Create the folder with its marker.

        Raises:
            SetupError: the folder can't be made, holds something else, or is out of the services' reach.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self.is_ours() and any(self.path.iterdir()):
                raise SetupError(
                    f"The data folder {self.path} holds files that are not ours. Choose an empty one: "
                    "PMS_HOME=/some/folder make demo"
                )
            (self.path / MARKER).write_text(MARKER_TEXT)
        except OSError as error:
            raise SetupError(
                f"The data folder {self.path} can't be used: {error.strerror}. Put that right, or choose another "
                "folder: PMS_HOME=/some/folder make demo"
            ) from error
        if self.account:
            _check_reach(self.path)

    def is_ours(self) -> bool:
        """Whether the folder carries our marker: only then may it be deleted."""
        return (self.path / MARKER).is_file()

    def own(self, path: Path) -> None:
        """Hand a file or folder to the services' account."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def folder(self, name: str) -> Path:
        """A folder that only the services' account may read, made when absent."""
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        self.own(path)
        return path

    def read_json(self, name: str, default: Any) -> Any:
        """What the file of this name in the home holds; `default` when there is none."""
        path = self.path / name
        try:
            return json.loads(path.read_text())
        except FileNotFoundError:
            return default
        except (OSError, ValueError) as error:
            raise SetupError(
                f"{path} can't be read: {error}. If the data may go, `make demo-reset` starts afresh."
            ) from error

    def write_json(self, name: str, content: Any) -> None:
        """Keep `content` in a file that only its owner may read; replaced as a whole, never half-written."""
        new = self.path / f"{name}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file, indent=2)
        new.replace(self.path / name)

    def port(self, service: str) -> int:
        """A free port on 127.0.0.1: the one this service had the last time if it can be had."""
        ports = self.read_json("ports.json", {})
        if service not in ports or not port_is_free("127.0.0.1", ports[service]):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                ports[service] = probe.getsockname()[1]
            self.write_json("ports.json", ports)
        return int(ports[service])

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold this home for one running demo or test run. The lock dies with the process, however it ends.

        Raises:
            AlreadyRunning: another process holds it.
        """
        with open(self.path / LOCK, "a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(self, self.holder()) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def holder(self) -> int | None:
        """The process id in the lock file. Only meaningful while the lock is held."""
        text = (self.path / LOCK).read_text().strip()
        return int(text) if text.isdigit() else None


def find_home(environ: Mapping[str, str] = os.environ) -> Home:
    """The home that the environment asks for, not yet created."""
    account = _unprivileged_account() if os.geteuid() == 0 else None
    if environ.get("PMS_HOME"):
        path = Path(environ["PMS_HOME"]).expanduser().absolute()
    elif account:
        path = SHARED_HOMES / hashlib.sha256(bytes(PROJECT)).hexdigest()[:12]
    else:
        path = PROJECT / ".pms"
    return Home(path, account, path / "programs")


def copy_program(home: Home, source: Path, version: str) -> Path:
    """Copy a wheel's folder or file to where the services' account can run it; returns the copy.

    Without an account to switch to nothing is copied.
    """
    if not home.account:
        return source
    copy = home.programs / version / source.name
    if copy.exists():
        return copy
    copy.parent.mkdir(parents=True, exist_ok=True)
    half = copy.with_name(f"{copy.name}.{os.getpid()}")
    if source.is_dir():
        shutil.copytree(source, half, symlinks=True)
    else:
        shutil.copy2(source, half)
    for path in [half, *half.rglob("*")] if half.is_dir() else [half]:
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
    try:
        half.rename(copy)
    except OSError:  # another run was quicker
        shutil.rmtree(half, ignore_errors=True)
    return copy


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _unprivileged_account() -> Account:
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise SetupError(
            "PostgreSQL doesn't run as root, and there is no account `nobody` to run it as. Start this as an "
            "ordinary user, or set DATABASE_URL and REDIS_URL to servers of your own."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def _check_reach(path: Path) -> None:
    for folder in [path, *path.parents]:
        if not folder.stat().st_mode & 0o001:
            raise SetupError(
                f"As root, PostgreSQL runs as the account `nobody`, which can't enter {folder}. Leave PMS_HOME unset, "
                "or choose a folder that everyone may enter: PMS_HOME=/var/lib/my-demo make demo"
            )
