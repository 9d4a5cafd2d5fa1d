"""How tests get their databases: a migrated template, cloned for each test that writes.

`make test` loads this as a plugin (`-p tests.database`), before Django reads its settings: each parallel worker is
pointed at a PostgreSQL server, a database and a Redis database of its own, and so are the processes that tests start.
"""

import gc
import hashlib
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from pms.runtime import databases
from pms.runtime.services import MEMORY_DISK

PROJECT = Path(__file__).resolve().parents[1]
WHAT_SHAPES_THE_TEMPLATE = ("*/migrations/*.py", "*/sql/**/*.sql", "requirements.txt", "pms/runtime/databases.py")
TEMPLATE_PREFIX = "pms_template_"
LOCK_KEY = 7_463_001

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "master")
WORKER_NUMBER = int(WORKER[2:]) if WORKER.startswith("gw") else 0
DATABASE = f"pms_test_{WORKER}"
KEYS_DATABASE = DATABASE + databases.KEYS


class CloneableDatabase:
    """This worker's database, made anew from the template whenever something was written to the server."""

    def __init__(self, admin_url: str, name: str = DATABASE) -> None:
        self.admin_url = admin_url
        self.name = name
        self.admin = databases.connect(admin_url)
        self.untouched_since = -1
        self.kept_for_file = False
        self.template = ""
        where = str(_one(self.admin, "SHOW data_directory"))
        # In memory, copying files beats replaying pages through the log by far; on a disk it is the other way round.
        self.strategy = "file_copy" if where.startswith(str(MEMORY_DISK)) else "wal_log"

    def prepare_template(self) -> None:
        """Migrate a template unless there is one for these very migrations; older templates are dropped."""
        wanted = TEMPLATE_PREFIX + fingerprint()
        self.admin.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])  # workers may share a server
        try:
            existing = self.admin.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [TEMPLATE_PREFIX]
            )
            names = {name for (name,) in existing}
            for name in names - {wanted, wanted + databases.KEYS}:
                self._drop(name)
            if wanted not in names:
                self._build(wanted)
            self._prepare_keys(wanted + databases.KEYS)
        finally:
            self.admin.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])
        self.template = wanted

    def refresh(self) -> None:
        """End every connection to the database, and replace it by a clone of the template if it may have changed.

        No transaction has got an id since the last clone: then nothing was written, and the clone still serves.
        Seals and documents are of one database's rows: those of the last one go with it.
        """
        for kept in ("SEALS_PATH", "DOCUMENTS_PATH"):
            shutil.rmtree(os.environ[kept], ignore_errors=True)
        if self._next_transaction() == self.untouched_since:
            self.admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self.name])
            return
        self._drop(self.name)
        self.admin.execute(
            f"CREATE DATABASE {self.name} OWNER {databases.OWNER} TEMPLATE {self.template} STRATEGY {self.strategy}"
        )
        self.untouched_since = self._next_transaction()

    def close(self) -> None:
        """Drop this worker's database; the template stays for the next run."""
        self._drop(self.name)
        self._drop(self.name + databases.KEYS)
        self.admin.close()

    def _build(self, template: str) -> None:
        building = f"building_{template}"
        self._drop(building)
        databases.create_database(self.admin, building)
        with closing(databases.connect(databases.with_database(self.admin_url, building))) as inside:
            databases.grant_privileges(inside)
            _migrate(building)
            inside.execute("VACUUM (ANALYZE)")
        self.admin.execute(f"ALTER DATABASE {building} ALLOW_CONNECTIONS false")
        self.admin.execute(f"ALTER DATABASE {building} RENAME TO {template}")

    def _prepare_keys(self, name: str) -> None:
        """All tests share one database of keys: what one keeps there is of people whom no other knows."""
        if not self.admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            databases.create_database(self.admin, name)
            with closing(databases.connect(databases.with_database(self.admin_url, name))) as inside:
                databases.grant_privileges(inside)
            _migrate(name, "keys", "kernel")
        keys = self.name + databases.KEYS
        self._drop(keys)
        self.admin.execute(f"CREATE DATABASE {keys} OWNER {databases.OWNER} TEMPLATE {name}")

    def _drop(self, name: str) -> None:
        self.admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _next_transaction(self) -> int:
        return int(_one(self.admin, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))


def fingerprint() -> str:
    """A hash over everything that shapes a migrated database."""
    digest = hashlib.sha256()
    for pattern in WHAT_SHAPES_THE_TEMPLATE:
        for path in sorted(PROJECT.glob(pattern)):
            digest.update(bytes(path.relative_to(PROJECT)) + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def admin_url() -> str:
    """The superuser's URL of this worker's server; empty when pytest was not started by `make test`."""
    urls = os.environ.get("PMS_TEST_ADMIN_URL", "").split()
    return urls[WORKER_NUMBER % len(urls)] if urls else ""


def owner_url(database: str = DATABASE) -> str:
    """The owner's URL of a database on this worker's server, for tests that need DDL."""
    return databases.with_database(os.environ["DATABASE_OWNER_URL"], database)


def _migrate(database: str, alias: str = "default", *apps: str) -> None:
    """Run the migrations in this process, as the owner: quicker than another Django start.

    Without the collector of garbage, which looks at the models of every state again and again and finds nothing.
    """
    from django.core.management import call_command
    from django.db import connections

    connection = connections[alias]
    target = urlsplit(owner_url(database))
    kept = dict(connection.settings_dict)
    connection.settings_dict.update(NAME=database, USER=target.username, PASSWORD=target.password)
    gc.disable()
    try:
        call_command("migrate", *apps, database=alias, verbosity=0, interactive=False)
    finally:
        gc.enable()
        connection.close()
        connection.settings_dict.update(kept)


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row
    return row[0]


def _point_at_own_services() -> None:
    server = urlsplit(admin_url())
    for name, database in (("DATABASE", DATABASE), ("KEYS_DATABASE", KEYS_DATABASE)):
        for url in (f"{name}_URL", f"{name}_OWNER_URL"):
            role = urlsplit(os.environ[url])
            netloc = f"{role.username}:{role.password}@{server.hostname}:{server.port}"
            os.environ[url] = role._replace(netloc=netloc, path=f"/{database}").geturl()
    seals = Path(os.environ["PMS_HOME"]) / f"seals-{WORKER}"
    os.environ["SEALS_PATH"] = str(seals)
    os.environ["DOCUMENTS_PATH"] = str(Path(os.environ["PMS_HOME"]) / f"documents-{WORKER}")
    os.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{WORKER_NUMBER}").geturl()


if admin_url():
    _point_at_own_services()
