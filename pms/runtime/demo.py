"""The demo: checks the machine, starts the services and every process role, and says in plain words how to use it."""

import asyncio
import base64
import hmac
import os
import shlex
import shutil
import signal
import struct
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from pms.runtime.home import LOCK, MARKER, AlreadyRunning, Home, SetupError, port_is_free
from pms.runtime.postgres import stop_leftover
from pms.runtime.services import ENVIRONMENT_FILE, start_services
from pms.runtime.supervisor import Program, Supervisor, say, supervise

LEAST_FREE_BYTES = 1 << 30
ACCOUNTS_FILE = "demo-accounts.json"
MAIL_FOLDER = "mail"
STOP_PATIENCE_SECONDS = 40.0
DEMO_SETTINGS = {"ENVIRONMENT_NAME": "Demo", "STAFF_SECOND_FACTOR_ROLES": "administrator"}


def run_demo(home: Home) -> int:
    """Start everything, say so, and watch until Ctrl-C; returns 0 on a clean stop.

    Raises:
        SetupError: this machine or the data is not in order.
    """
    started = time.monotonic()
    host, port = address(os.environ)
    home.open()
    with home.lock():
        check_port(host, port)
        check_disk(home)

        async def work(supervisor: Supervisor) -> int:
            env = {**DEMO_SETTINGS, **_mail(home), **os.environ, **await start_services(supervisor, home)}
            await _set_up(supervisor, env)
            for program in programs(home, env, host, port):
                await supervisor.start(program)
            say(welcome(home, _visible(host), port, time.monotonic() - started))
            await supervisor.wait()
            return 0

        say(f"Starting the demo. Its data is in {home.path}")
        code = supervise(work)
    say("Stopped.")
    return code


def run_services(home: Home) -> int:
    """Run only PostgreSQL and Valkey until Ctrl-C."""
    home.open()
    with home.lock():

        async def work(supervisor: Supervisor) -> int:
            await start_services(supervisor, home)
            say('PostgreSQL and Valkey run. In another terminal: eval "$(make -s env)". Ctrl-C stops them.')
            await supervisor.wait()
            return 0

        check_disk(home)
        return supervise(work)


def run_benchmarks(home: Home, arguments: Sequence[str]) -> int:
    """Run `python -m benchmarks` on durable services of its own; returns its exit code."""
    home.open()
    home = home.child("bench")
    home.open()
    with home.lock():

        async def work(supervisor: Supervisor) -> int:
            env = os.environ | await start_services(supervisor, home, environ={})
            await _manage(supervisor, env, "Migrating the database", "migrate")
            await _manage(supervisor, env, "Migrating the database of keys", "migrate", "kernel", "--database", "keys")
            return await supervisor.run(Program("benchmarks", [sys.executable, "-m", "benchmarks", *arguments], env))

        check_disk(home)
        return supervise(work)


def print_environment(home: Home) -> int:
    """Print `export` lines for the running services.

    Raises:
        SetupError: none are running.
    """
    variables = home.read_json(ENVIRONMENT_FILE, {}) if home.is_ours() and _is_running(home) else {}
    if not variables:
        raise SetupError("Nothing is running. Start it with `make demo`, or `make services`, in another terminal.")
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def print_codes(home: Home) -> int:
    """Print the present second-step codes of the demo's accounts.

    Raises:
        SetupError: there is no demo yet.
    """
    accounts = [account for account in home.read_json(ACCOUNTS_FILE, []) if account.get("totp")]
    if not accounts:
        raise SetupError("There is no demo account with a code yet. Start the demo with `make demo`.")
    now = time.time()
    for account in accounts:
        print(f"{account['login']}  {totp(account['totp'], now)}  (good for {30 - int(now) % 30} s)")
    return 0


def totp(secret: str, moment: float) -> str:
    """The six digits that an authenticator app with this base32 secret shows (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(moment) // 30), "sha1")
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF) % 1_000_000:06d}"


def reset(home: Home) -> int:
    """Stop what runs for this home and delete its data. The tests' own servers and the copied programs stay.

    Raises:
        SetupError: the folder is not one of ours, or something in it doesn't stop.
    """
    if not home.path.exists():
        say(f"There is no data in {home.path}: nothing to delete.")
        return 0
    if not home.is_ours():
        raise SetupError(f"{home.path} does not look like a data folder of ours, so nothing was deleted.")
    _stop_holder(home.child("bench"))
    _stop_holder(home)
    with home.lock():
        stop_leftover(home.path / "postgres")
        for path in home.path.iterdir():
            if path in (home.programs, home.path / MARKER, home.path / LOCK) or path.name.startswith("test"):
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    say(f"Deleted the demo's data in {home.path}")
    return 0


def address(environ: Mapping[str, str]) -> tuple[str, int]:
    """HOST and PORT, by default 127.0.0.1 and 8000."""
    text = environ.get("PORT") or "8000"
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise SetupError(f"PORT={text} is not a port. Choose a number from 1024 to 65535: make demo PORT=8001")
    return environ.get("HOST") or "127.0.0.1", int(text)


def check_port(host: str, port: int) -> None:
    """Raises SetupError when the web server couldn't listen there."""
    if not port_is_free(host, port):
        raise SetupError(
            f"Port {port} on {host} can't be used: another program has it, or it is reserved. Choose another one: "
            f"make demo PORT={port + 1 if port >= 1024 else 8000}"
        )


def check_disk(home: Home) -> None:
    """Raises SetupError when less than 1 GiB is free where the data is kept."""
    free = shutil.disk_usage(home.path).free
    if free < LEAST_FREE_BYTES:
        raise SetupError(
            f"Only {free >> 20} MiB are free on the disk of {home.path}; 1024 MiB are needed. Free some, or choose a "
            "folder on another disk: PMS_HOME=/some/folder make demo"
        )


def programs(home: Home, env: Mapping[str, str], host: str, port: int) -> list[Program]:
    """The demo's process roles, in the order they start in; the web server last, since it says when all is ready."""
    python = [sys.executable, "-m"]
    manage = [sys.executable, "manage.py"]
    celery = [*python, "celery", "-q", "-A", "pms"]
    schedule: list[str | Path] = ["--schedule", home.path / "beat-schedule", "--pidfile", ""]
    asgi = ["granian", "--interface", "asginl", "pms.asgi:application", "--workers", "1", "--log-level", "warning"]
    asgi += ["--workers-kill-timeout", "5"]  # open sockets do not keep it from ending
    if os.geteuid() == 0:
        env = {**env, "PYTHONWARNINGS": "ignore:You're running the worker with superuser"}  # the services do not
    return [
        Program("worker", [*celery, "worker", "-c", "1", "--loglevel", "warning"], env),
        Program("beat", [*celery, "beat", "--loglevel", "warning", *schedule], env),
        Program("consumers", [*manage, "consume", "--all"], env),
        Program("casino", [*manage, "casino", "live"], env),
        Program(
            "web",
            [*python, *asgi, "--host", host, "--port", str(port)],
            {**env, "DATABASE_POOL": "20"},
            ready=lambda: _answers(f"http://{_visible(host)}:{port}/healthz"),
        ),
    ]


def welcome(home: Home, host: str, port: int, seconds: float) -> str:
    """What a person who has never seen this needs to know, once everything runs."""
    base = f"http://{host}:{port}"
    accounts = home.read_json(ACCOUNTS_FILE, [])
    return "\n".join(
        [
            "",
            f"The demo is ready ({seconds:.0f} s). A small casino is playing on it.",
            "",
            f"  Back office   {base}/admin/",
            f"  API docs      {base}/api/docs/",
            f"  Health        {base}/healthz",
            "",
            *_account_lines(accounts),
            f"Mail that it sends is put into {home.path / MAIL_FOLDER}; text messages are in the back office, SMS sandbox.",
            f"Its data is in {home.path}; `make demo-reset` deletes it.",
            "Stop with Ctrl-C.",
            "",
        ]
    )


def _mail(home: Home) -> dict[str, str]:
    """Mail goes into files, unless a server is named."""
    return {} if os.environ.get("EMAIL_URL") else {"EMAIL_FOLDER": str(home.path / MAIL_FOLDER)}


def _account_lines(accounts: Sequence[Mapping[str, str]]) -> list[str]:
    lines = ["Sign in as:"] if accounts else []
    for account in accounts:
        lines.append(f"  {account['who']} ({account['where']})")
        lines.append(f"      {account['login']}  /  {account['password']}")
        if account.get("note"):
            lines.append(f"      {account['note']}")
    return [*lines, ""] if lines else []


async def _set_up(supervisor: Supervisor, env: Mapping[str, str]) -> None:
    await _manage(supervisor, env, "Migrating the database", "migrate")
    await _manage(supervisor, env, "Migrating the database of keys", "migrate", "kernel", "--database", "keys")
    await _manage(supervisor, env, "Collecting static files", "collectstatic", "--noinput")
    await _manage(supervisor, env, "Setting up the casino", "demo_setup", quiet=False)


async def _manage(
    supervisor: Supervisor, env: Mapping[str, str], title: str, *command: str, quiet: bool = True
) -> None:
    started = time.monotonic()
    say(f"{title} …")
    program = Program(command[0], [sys.executable, "manage.py", *command], env)
    code = await supervisor.run(program, quiet=quiet)
    if supervisor.stopping:
        raise asyncio.CancelledError
    if code:
        raise SetupError(f"`manage.py {command[0]}` failed (exit code {code}); its output is above.")
    say(f"{title}: done in {time.monotonic() - started:.1f} s")


def _visible(host: str) -> str:
    """The name under which this machine's own browser reaches a server listening there."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{host}]" if ":" in host else host


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return int(response.status) == 200
    except (OSError, ValueError):
        return False


def _is_running(home: Home) -> bool:
    try:
        with home.lock():
            return False
    except AlreadyRunning:
        return True


def _stop_holder(home: Home) -> None:
    pid = home.holder() if home.is_ours() and _is_running(home) else None
    if pid is None:
        return
    say(f"Stopping what runs (process {pid}) …")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE_SECONDS
    while _is_running(home) and time.monotonic() < deadline:
        time.sleep(0.1)
