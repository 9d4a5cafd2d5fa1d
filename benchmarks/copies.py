"""Copies of the benchmarks' database and its seals, so that two states of it are measured in turns."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from django.conf import settings
from django.db import connection

from pms.runtime import databases
from pms.runtime.credentials import load_credentials
from pms.runtime.home import find_home


def copy(name: str) -> str:
    """Copy the database as it is now under another name; the copy's URL, as its owner."""
    ours = os.environ["DATABASE_OWNER_URL"]
    connection.close()
    drop(name)
    _as_superuser(f"CREATE DATABASE {name} TEMPLATE {urlsplit(ours).path[1:]} OWNER {databases.OWNER}")
    if settings.SEALS_PATH.exists():
        shutil.copytree(settings.SEALS_PATH, _seals(name))
    return databases.with_database(ours, name)


def drop(name: str) -> None:
    _as_superuser(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    shutil.rmtree(_seals(name), ignore_errors=True)


def settle() -> None:
    """Write out what filling and copying have left to be written, so that it is not written while others measure."""
    _as_superuser("CHECKPOINT")


@contextmanager
def using(name: str) -> Iterator[None]:
    """Inside, this process works on the database of this name and on its seals; what it starts, on the database."""
    ours, kept, seals = os.environ["DATABASE_URL"], connection.settings_dict["NAME"], settings.SEALS_PATH
    connection.close()
    os.environ["DATABASE_URL"], connection.settings_dict["NAME"] = databases.with_database(ours, name), name
    if name != kept:
        settings.SEALS_PATH = _seals(name)
    try:
        yield
    finally:
        connection.close()
        os.environ["DATABASE_URL"], connection.settings_dict["NAME"], settings.SEALS_PATH = ours, kept, seals


def _seals(name: str) -> Path:
    path: Path = settings.SEALS_PATH
    return path.with_name(f"seals-{name}")


def _as_superuser(statement: str) -> None:
    """The benchmarks' own server is the project's, and so is its superuser."""
    url = urlsplit(databases.with_database(os.environ["DATABASE_OWNER_URL"], "postgres"))
    password = quote(load_credentials(find_home()).superuser_password, safe="")
    admin = url._replace(netloc=f"postgres:{password}@{url.hostname}:{url.port}").geturl()
    with psycopg.connect(admin, autocommit=True) as superuser:
        superuser.execute(statement)  # type: ignore[arg-type]
