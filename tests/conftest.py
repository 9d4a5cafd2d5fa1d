"""Databases for tests. Every transaction commits for real: consumers, races and append-only tables need that.

`db` (or the `django_db` mark, or pytest-django's fixtures built on them) gives a test a database as the migrations
left it. `module_db` gives one to a whole file whose tests only read.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from tests import database


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """Passwords are hashed at no cost; tests/pms/test_settings.py looks at how they really are."""
    from django.conf import settings

    with override_settings(PASSWORD_HASHERS=["tests.hashing.QuickHasher", *settings.PASSWORD_HASHERS]):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[database.CloneableDatabase]:
    """This worker's server with a migrated template on it."""
    if not database.admin_url():
        pytest.fail('This test needs a database. Run it by `make test ARGS="path/to/test.py"`.', pytrace=False)
    own = database.CloneableDatabase(database.admin_url())
    with django_db_blocker.unblock():
        own.prepare_template()
    yield own
    own.close()


@pytest.fixture
def _django_db_helper(
    django_db_setup: database.CloneableDatabase, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """What pytest-django's `db`, `transactional_db`, `live_server` and `django_db` mark all rest on."""
    if django_db_setup.kept_for_file:
        pytest.fail("A file uses either `db` or `module_db`: a fresh database would empty the other's.", pytrace=False)
    with _fresh(django_db_setup, django_db_blocker):
        yield


@pytest.fixture(scope="module")
def module_db(django_db_setup: database.CloneableDatabase, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One database for all tests of a file. They may only read; other fixtures of the module may fill it first."""
    with _fresh(django_db_setup, django_db_blocker):
        django_db_setup.kept_for_file = True
        yield
        django_db_setup.kept_for_file = False


@contextmanager
def _fresh(own: database.CloneableDatabase, blocker: DjangoDbBlocker) -> Iterator[None]:
    from django.db import connections

    own.refresh()
    with blocker.unblock():
        try:
            yield
        finally:
            connections.close_all()  # those of other threads end with the next test's refresh


@pytest.fixture(scope="session")
def _redis() -> redis.Redis | None:
    return redis.Redis.from_url(os.environ["REDIS_URL"]) if database.admin_url() else None


@pytest.fixture(autouse=True)
def _empty_redis(_redis: redis.Redis | None) -> None:
    """Every test starts with an empty cache, no queued task and no channel group."""
    if _redis:
        _redis.flushdb()


@pytest.fixture(autouse=True)
def _ledger_holds(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that had a database: each transfer sums to zero, each balance equals its entries."""
    if "_django_db_helper" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("_django_db_helper")  # set up before this one, so that it ends after it
    yield
    if not request.node.get_closest_marker("breaks_ledger"):
        from wallet.services.verification import verify

        assert [finding for finding in verify() if finding.broken] == []
