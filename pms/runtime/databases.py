"""The databases and their two roles: `pms_owner` owns and migrates it, `pms_app` runs the system on it.

The split is what makes append-only tables append-only: an application role that owns no table can neither alter it
nor switch its triggers off.
"""

from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from pms.runtime.credentials import Credentials
from pms.runtime.home import SetupError

OWNER = "pms_owner"
APP = "pms_app"
DATABASE = "pms"
KEYS = "_keys"  # what the name of the database of keys has more
EXTENSIONS = ("pg_trgm", "btree_gist", "citext")
OPTIONAL_EXTENSIONS = ("pg_stat_statements",)  # needs a superuser, and does nothing before the server preloads it

# Privileges of the application on what the owner will create. Append-only tables take theirs back in their migrations.
PRIVILEGES = """
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    GRANT ALL ON SCHEMA public TO pms_owner;
    GRANT USAGE ON SCHEMA public TO pms_app;
    ALTER DEFAULT PRIVILEGES FOR ROLE pms_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO pms_app;
    ALTER DEFAULT PRIVILEGES FOR ROLE pms_owner GRANT USAGE ON SEQUENCES TO pms_app;
    ALTER DEFAULT PRIVILEGES FOR ROLE pms_owner GRANT EXECUTE ON FUNCTIONS TO pms_app;
"""

Connection = psycopg.Connection[Any]


def prepare(admin_url: str, credentials: Credentials, database: str = DATABASE) -> dict[str, str]:
    """Make roles, databases, extensions and privileges, as far as they are missing.

    Returns: DATABASE_URL (pms_app) and DATABASE_OWNER_URL (pms_owner), and both with KEYS_ before for the keys'.
    Raises:
        SetupError: the administrator can't connect, or may not create roles.
    """
    names = {"DATABASE": database, "KEYS_DATABASE": database + KEYS}
    urls = {}
    with closing(connect(admin_url)) as admin:
        create_roles(admin, credentials)
        for name in names.values():
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                create_database(admin, name)
    for variable, name in names.items():
        with closing(connect(with_database(admin_url, name))) as inside:
            grant_privileges(inside)
        urls[f"{variable}_URL"] = _role_url(admin_url, APP, credentials.app_password, name)
        urls[f"{variable}_OWNER_URL"] = _role_url(admin_url, OWNER, credentials.owner_password, name)
    return urls


def given_urls(environ: Mapping[str, str], credentials: Credentials) -> dict[str, str]:
    """The URLs for a server of the user's own: all as given, or made with DATABASE_URL as the administrator's.

    Raises:
        SetupError: one of them can't be connected to, or there is none for the keys.
    """
    if environ.get("DATABASE_OWNER_URL"):
        names = [f"{name}_{url}" for name in ("DATABASE", "KEYS_DATABASE") for url in ("URL", "OWNER_URL")]
        if missing := [name for name in names if not environ.get(name)]:
            raise SetupError(f"Beside DATABASE_OWNER_URL these must be set too: {', '.join(missing)}.")
        given = {name: environ[name] for name in names}
        for url in given.values():
            connect(url).close()
        return given
    return prepare(environ["DATABASE_URL"], credentials)


def connect(url: str) -> Connection:
    """An autocommitting connection.

    Raises:
        SetupError: it can't be had; the message tells the server's reason, never the password.
    """
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.Error as error:
        target = urlsplit(url)
        raise SetupError(
            f"No connection to the database at {target.hostname}:{target.port or 5432} as {target.username}: {error}\n"
            "If DATABASE_URL is set, it must name a running server; unset it to use the embedded one."
        ) from error


def create_roles(admin: Connection, credentials: Credentials) -> None:
    """Create both roles, or give them the passwords of this home."""
    for role, password in ((OWNER, credentials.owner_password), (APP, credentials.app_password)):
        exists = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        verb = sql.SQL("ALTER" if exists else "CREATE")
        statement = sql.SQL("{} ROLE {} LOGIN NOCREATEDB NOCREATEROLE PASSWORD {}")
        try:
            admin.execute(statement.format(verb, sql.Identifier(role), sql.Literal(password)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise SetupError(
                f"The role {admin.info.user} of DATABASE_URL may not create the roles {OWNER} and {APP}. Give an "
                "administrator's URL there, or create both roles yourself and set DATABASE_URL (pms_app, runs) and "
                "DATABASE_OWNER_URL (pms_owner, migrates)."
            ) from error
    if admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() != (True,):
        admin.execute(f"GRANT {OWNER} TO CURRENT_USER")  # to create a database in its name


def create_database(admin: Connection, database: str) -> None:
    """Create an empty database of pms_owner's, which nobody but the two roles may enter."""
    name = sql.Identifier(database)
    admin.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(name, sql.Identifier(OWNER))
    )
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    admin.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(name, sql.Identifier(APP)))


def grant_privileges(admin: Connection) -> None:
    """Extensions and default privileges, in the database that `admin` is connected to."""
    for extension in EXTENSIONS:
        admin.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    for extension in OPTIONAL_EXTENSIONS:
        try:
            admin.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile):
            continue
    admin.execute(PRIVILEGES)


def with_database(url: str, database: str) -> str:
    """The same URL for another database."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def _role_url(admin_url: str, role: str, password: str, database: str) -> str:
    target = urlsplit(admin_url)
    host = target.netloc.rpartition("@")[2]
    return target._replace(netloc=f"{role}:{quote(password, safe='')}@{host}", path=f"/{database}").geturl()
