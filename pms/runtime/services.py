"""Starts PostgreSQL and Valkey for a home, and says how to reach them: the environment of everything that runs on it."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from pms.runtime import databases
from pms.runtime.credentials import Credentials, load_credentials
from pms.runtime.home import Home, SetupError
from pms.runtime.postgres import Postgres
from pms.runtime.supervisor import Supervisor
from pms.runtime.valkey import Valkey, check_reachable

ENVIRONMENT_FILE = "environment.json"
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - on purpose, see throwaway_folder
MEMORY_DISK_FREE_BYTES = 4 << 30


async def start_services(supervisor: Supervisor, home: Home, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Start the home's durable servers, except where DATABASE_URL or REDIS_URL name the user's own.

    Returns: the variables by which everything reaches them; also kept for `make env`.
    """
    (home.path / ENVIRONMENT_FILE).unlink(missing_ok=True)  # of an earlier run, perhaps with other ports
    credentials = load_credentials(home)
    variables = common_variables(home, credentials)
    if is_the_users(environ.get("DATABASE_URL"), credentials.app_password):
        variables |= databases.given_urls(environ, credentials)
    else:
        postgres = Postgres(home, home.path / "postgres", home.port("postgres"), credentials.superuser_password)
        await supervisor.start(postgres.program())
        variables |= databases.prepare(postgres.admin_url, credentials)
    if is_the_users(environ.get("REDIS_URL"), credentials.valkey_password):
        check_reachable(environ["REDIS_URL"])
        variables["REDIS_URL"] = environ["REDIS_URL"]
    else:
        valkey = Valkey(home, home.port("valkey"), credentials.valkey_password)
        await supervisor.start(valkey.program())
        variables["REDIS_URL"] = valkey.url
    home.write_json(ENVIRONMENT_FILE, variables)
    return variables


async def start_throwaway_services(supervisor: Supervisor, home: Home, servers: int) -> dict[str, str]:
    """Start servers for tests, whose data may be lost at any time. DATABASE_URL and REDIS_URL are never looked at.

    Each parallel worker has a PostgreSQL of its own: consumers read only what is older than the oldest running
    transaction of the whole server, so tests sharing one would wait for each other's.

    Returns: the variables of the first server, and the superuser's URLs of all, separated by spaces, in
    PMS_TEST_ADMIN_URL.
    """
    credentials = load_credentials(home)
    variables = common_variables(home, credentials)
    admin_urls = []
    for number in range(servers):
        data = throwaway_folder(home) / f"postgres{number}"
        port = home.port(data.name)
        postgres = Postgres(home, data, port, credentials.superuser_password, throwaway=True)
        try:
            await supervisor.start(postgres.program())
        except SetupError:  # broken, or of another version: worth nothing
            shutil.rmtree(data, ignore_errors=True)
            await supervisor.start(postgres.program())
        roles = databases.prepare(postgres.admin_url, credentials)
        variables = roles | variables
        admin_urls.append(postgres.admin_url)
    valkey = Valkey(home, home.port("valkey"), credentials.valkey_password, throwaway=True)
    await supervisor.start(valkey.program())
    return variables | {"REDIS_URL": valkey.url, "PMS_TEST_ADMIN_URL": " ".join(admin_urls)}


def common_variables(home: Home, credentials: Credentials) -> dict[str, str]:
    """What doesn't depend on the servers: the home and the keys."""
    return {
        "PMS_HOME": str(home.path),
        "SECRET_KEY": credentials.secret_key,
        "PMS_JWT_PRIVATE_KEY": credentials.jwt_private_key,
        "PLAYER_JWT_PRIVATE_KEY": credentials.player_jwt_private_key,
        "SEAL_PRIVATE_KEYS": credentials.seal_private_key,
        "PERSONAL_KEYS": credentials.personal_key,
        "PERSONAL_INDEX_KEY": credentials.personal_index_key,
    }


def throwaway_folder(home: Home) -> Path:
    """Where test servers keep their data: in memory where there is room (cloning a database is some 20 times quicker
    there than on a disk), else in the home.
    """
    folder = MEMORY_DISK / f"pms-{os.getuid()}-{hashlib.sha256(bytes(home.path)).hexdigest()[:12]}"
    if folder.is_dir() and folder.stat().st_uid == os.getuid():
        return folder
    if not MEMORY_DISK.is_dir() or shutil.disk_usage(MEMORY_DISK).free < MEMORY_DISK_FREE_BYTES:
        return home.path
    try:
        folder.mkdir(mode=0o711)
    except OSError:
        return home.path
    return folder


def is_the_users(url: str | None, our_password: str) -> bool:
    """Whether a URL names a server of the user's own. A shell that took over `make env` carries ours."""
    return bool(url) and our_password not in str(url)
