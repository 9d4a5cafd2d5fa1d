"""Every test finds the database as the migrations left it; a clone is saved where nothing was written."""

from collections.abc import Iterator

import psycopg
import pytest

from pms.runtime import databases
from tests import database
from tests.database import CloneableDatabase, admin_url

pytestmark = pytest.mark.skipif(not admin_url(), reason="needs the server that `make test` starts")
NAME = f"{database.DATABASE}_cloned"


@pytest.fixture
def cloned(django_db_setup: CloneableDatabase) -> Iterator[CloneableDatabase]:
    cloned = CloneableDatabase(admin_url(), NAME)
    cloned.template = django_db_setup.template
    cloned.refresh()
    yield cloned
    cloned.close()


def oid(cloned: CloneableDatabase) -> object:
    return cloned.admin.execute("SELECT oid FROM pg_database WHERE datname = %s", [NAME]).fetchone()


def test_what_was_written_is_gone(cloned: CloneableDatabase) -> None:
    with psycopg.connect(database.owner_url(NAME)) as owner:
        owner.execute("CREATE TABLE left_over (id int)")
    cloned.refresh()
    with psycopg.connect(database.owner_url(NAME)) as owner:
        assert owner.execute("SELECT to_regclass('left_over')").fetchone() == (None,)


def test_a_database_that_was_only_read_is_kept(cloned: CloneableDatabase) -> None:
    before = oid(cloned)
    with psycopg.connect(database.owner_url(NAME)) as owner:
        owner.execute("SELECT count(*) FROM django_migrations")
    cloned.refresh()
    assert oid(cloned) == before


def test_a_connection_left_open_is_ended(cloned: CloneableDatabase) -> None:
    left_open = databases.connect(database.owner_url(NAME))
    cloned.refresh()
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")


def test_the_application_runs_as_itself(db: None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        assert cursor.fetchone() == ("pms_app", database.DATABASE)


def test_the_database_is_out_of_reach_without_the_fixture() -> None:
    from django.db import connection

    with pytest.raises(RuntimeError, match="Database access not allowed"):
        connection.cursor()
