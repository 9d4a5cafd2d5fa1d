"""Kept connections are looked at before each request, without asking the server."""

from __future__ import annotations

import psycopg
import pytest
from django.db import close_old_connections, connection

from kernel.db import fetch_one
from tests.database import admin_url

pytestmark = pytest.mark.usefixtures("db")


def ask_superuser(statement: str, pid: int) -> object:
    with psycopg.connect(admin_url(), autocommit=True) as superuser:
        row = superuser.execute(statement, [pid]).fetchone()
        return row and row[0]


def kept() -> int:
    """This connection's process, after a statement on it."""
    connection.close_if_unusable_or_obsolete()
    pid: int = fetch_one("SELECT pg_backend_pid()")[0]
    connection.health_check_enabled = True
    connection.health_check_done = False
    return pid


def test_a_connection_that_stands_is_kept_and_not_asked() -> None:
    pid = kept()
    assert connection.is_usable()
    assert kept() == pid
    assert connection.is_usable()
    last = ask_superuser("SELECT query FROM pg_stat_activity WHERE pid = %s", pid)
    assert last == "SELECT pg_backend_pid()"


def test_a_connection_that_the_server_has_ended_is_replaced_before_the_next_statement() -> None:
    pid = kept()
    ask_superuser("SELECT pg_terminate_backend(%s, 5000)", pid)
    assert not connection.is_usable()
    close_old_connections()
    assert kept() != pid
