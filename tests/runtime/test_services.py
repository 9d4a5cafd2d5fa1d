"""The embedded servers: killed half-way, they come back with their data."""

import asyncio
import os
import signal
import time

import psycopg
import pytest

from pms.runtime.home import Home, SetupError
from pms.runtime.postgres import Postgres
from pms.runtime.services import is_the_users, start_services, start_throwaway_services
from pms.runtime.supervisor import Supervisor
from pms.runtime.tests import count_workers
from pms.runtime.valkey import check_reachable


def postgres_pid(data: object) -> int:
    with open(f"{data}/postmaster.pid") as file:
        return int(file.readline())


async def eventually_connects(url: str) -> psycopg.Connection:
    deadline = time.monotonic() + 15
    while True:
        try:
            return psycopg.connect(url, autocommit=True, connect_timeout=2)
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


def test_data_survives_a_killed_server_and_a_restart(home: Home) -> None:
    async def write_then_kill() -> None:
        supervisor = Supervisor()
        try:
            urls = await start_services(supervisor, home, environ={})
            with psycopg.connect(urls["DATABASE_OWNER_URL"]) as owner:
                owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            os.kill(postgres_pid(home.path / "postgres"), signal.SIGKILL)
            with await eventually_connects(urls["DATABASE_URL"]) as app:
                assert app.execute("SELECT answer FROM kept").fetchone() == (42,)
        finally:
            await supervisor.stop()

    async def read() -> None:
        supervisor = Supervisor()
        try:
            urls = await start_services(supervisor, home, environ={})
            with psycopg.connect(urls["DATABASE_URL"]) as app:
                assert app.execute("SELECT answer FROM kept").fetchone() == (42,)
        finally:
            await supervisor.stop()

    asyncio.run(write_then_kill())
    asyncio.run(read())
    check_that_lost_passwords_are_named(home)


def check_that_lost_passwords_are_named(home: Home) -> None:
    """A part of the test above, which has a data folder at hand."""

    async def start() -> None:
        supervisor = Supervisor()
        try:
            await start_services(supervisor, home, environ={})
        finally:
            await supervisor.stop()

    (home.path / "secrets.json").unlink()
    with pytest.raises(SetupError, match=r"was made with another password.*make demo-reset"):
        asyncio.run(start())


def test_a_broken_test_server_is_made_anew(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pms.runtime.services.throwaway_folder", lambda home: home.path)
    (home.path / "postgres0").mkdir()
    (home.path / "postgres0" / "PG_VERSION").write_text("15")

    async def start() -> None:
        supervisor = Supervisor()
        try:
            variables = await start_throwaway_services(supervisor, home, 1)
            psycopg.connect(variables["PMS_TEST_ADMIN_URL"]).close()
        finally:
            await supervisor.stop()

    asyncio.run(start())


def test_a_server_of_the_users_own_is_told_from_ours(home: Home) -> None:
    ours = Postgres(home, home.path / "postgres", 5432, "hidden").url("pms_app", "sesame", "pms")
    assert not is_the_users(None, "sesame")
    assert not is_the_users(ours, "sesame")
    assert is_the_users("postgresql://admin:other@db.example.com/postgres", "sesame")


def test_a_redis_that_does_not_answer_is_named() -> None:
    with pytest.raises(SetupError, match=r"Nothing answers at REDIS_URL \(127\.0\.0\.1:1\).*unset REDIS_URL"):
        check_reachable("redis://:sesame@127.0.0.1:1/0")


def test_a_single_file_runs_without_parallel_workers() -> None:
    assert count_workers(["tests/wallet/test_rules.py"]) == 1
    assert count_workers(["tests/wallet"]) == min(len(os.sched_getaffinity(0)), 8)
