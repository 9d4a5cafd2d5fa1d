"""What the two roles may and may not do: append-only tables stand on it."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from pms.runtime import databases
from pms.runtime.credentials import Credentials, load_credentials
from pms.runtime.home import Home, SetupError
from tests.database import WORKER, admin_url

SCRATCH = f"pms_scratch_{WORKER}"
pytestmark = pytest.mark.skipif(not admin_url(), reason="needs the server that `make test` starts")


@pytest.fixture
def credentials() -> Credentials:
    home = Path(os.environ["PMS_HOME"])
    return load_credentials(Home(home, None, home))


@pytest.fixture
def roles(credentials: Credentials) -> Iterator[dict[str, psycopg.Connection]]:
    """Connections of the owner and of the application to an empty database, which holds one table of the owner's."""
    urls = databases.prepare(admin_url(), credentials, SCRATCH)
    with (
        closing(databases.connect(urls["DATABASE_OWNER_URL"])) as owner,
        closing(databases.connect(urls["DATABASE_URL"])) as app,
    ):
        owner.execute("CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount bigint)")
        owner.execute("CREATE SEQUENCE receipt")
        owner.execute("CREATE FUNCTION double(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'")
        yield {"owner": owner, "app": app}
    with closing(databases.connect(admin_url())) as admin:
        admin.execute(f"DROP DATABASE {SCRATCH} WITH (FORCE)")


def test_the_application_reads_and_writes_what_the_owner_makes(roles: dict[str, psycopg.Connection]) -> None:
    app = roles["app"]
    app.execute("INSERT INTO ledger (amount) VALUES (1)")
    app.execute("UPDATE ledger SET amount = 2")
    assert app.execute("SELECT amount, nextval('receipt'), double(2) FROM ledger").fetchone() == (2, 1, 4)
    app.execute("DELETE FROM ledger")
    app.execute("CREATE TEMPORARY TABLE batch (id int)")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "ALTER TABLE ledger ADD COLUMN note text",
        "ALTER TABLE ledger DISABLE TRIGGER ALL",
        "TRUNCATE ledger",
        "DROP TABLE ledger",
        "SET ROLE pms_owner",
        "SET session_replication_role = replica",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
    ],
)
def test_the_application_changes_no_schema(roles: dict[str, psycopg.Connection], statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        roles["app"].execute(statement)


def test_a_privilege_that_the_owner_takes_back_is_gone(roles: dict[str, psycopg.Connection]) -> None:
    roles["owner"].execute("REVOKE UPDATE, DELETE ON ledger FROM pms_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        roles["app"].execute("UPDATE ledger SET amount = 0")


def test_the_application_owns_nothing(roles: dict[str, psycopg.Connection]) -> None:
    owned = (
        "SELECT count(*) FROM pg_shdepend JOIN pg_roles ON refobjid = pg_roles.oid WHERE rolname = %s AND deptype = 'o'"
    )
    assert roles["app"].execute(owned, ["pms_app"]).fetchone() == (0,)


def test_the_extensions_are_there(roles: dict[str, psycopg.Connection]) -> None:
    names = {name for (name,) in roles["app"].execute("SELECT extname FROM pg_extension")}
    assert names >= {"pg_trgm", "btree_gist", "citext", "pg_stat_statements"}


def test_preparing_twice_changes_nothing(roles: dict[str, psycopg.Connection], credentials: Credentials) -> None:
    urls = databases.prepare(admin_url(), credentials, SCRATCH)
    with closing(databases.connect(urls["DATABASE_URL"])) as app:
        assert app.execute("SELECT count(*) FROM ledger").fetchone() == (0,)


def test_an_administrator_who_may_not_create_roles_is_told_so(
    roles: dict[str, psycopg.Connection], credentials: Credentials
) -> None:
    server = urlsplit(admin_url())
    app_url = server._replace(netloc=f"pms_app:{credentials.app_password}@{server.hostname}:{server.port}").geturl()
    with pytest.raises(SetupError, match=r"pms_app of DATABASE_URL may not create the roles.*DATABASE_OWNER_URL"):
        databases.given_urls({"DATABASE_URL": app_url}, credentials)


def test_two_given_urls_are_used_as_they_are(roles: dict[str, psycopg.Connection], credentials: Credentials) -> None:
    given = databases.prepare(admin_url(), credentials, SCRATCH)
    assert databases.given_urls({**given, "HOME": "/"}, credentials) == given


def test_a_server_that_does_not_answer_is_named_without_the_password(credentials: Credentials) -> None:
    with pytest.raises(SetupError, match=r"database at 127\.0\.0\.1:1 as anna") as caught:
        databases.connect("postgresql://anna:sesame@127.0.0.1:1/postgres")
    assert "sesame" not in str(caught.value)
