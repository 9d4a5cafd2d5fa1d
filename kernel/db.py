"""SQL that belongs to an app: loaded from its ``sql`` folder by migrations; and uuid7 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection, migrations, transaction
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)
ROOT = Path(__file__).resolve().parent.parent


def run_sql(path: str, **values: str) -> migrations.RunSQL:
    """A migration operation that runs the file ``app/sql/name.sql``; ``{{name}}`` in it is replaced by ``values``."""
    text = (ROOT / path).read_text()
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return migrations.RunSQL(text, migrations.RunSQL.noop)


def replace_functions(*paths: str) -> migrations.RunSQL:
    """A migration operation that gives a database the functions of these files as they stand there now.

    A file is what a new database begins with; an existing one gets a change of it by this.
    """
    found = (
        re.findall(r"^CREATE (FUNCTION .*?^\$\$;)$", (ROOT / path).read_text(), re.MULTILINE | re.DOTALL)
        for path in paths
    )
    functions = "\n".join(f"CREATE OR REPLACE {text}" for texts in found for text in texts)
    # What they call may come with a later migration.
    return migrations.RunSQL(f"SET LOCAL check_function_bodies = off;\n{functions}", migrations.RunSQL.noop)


def fetch_all(sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[dict[str, Any]]:
    """Rows of one statement as dictionaries."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)  # None: per cent signs in the text mean themselves
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_one(sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> tuple[Any, ...]:
    """The one row of a statement that always returns one."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)  # None: per cent signs in the text mean themselves
        row: tuple[Any, ...] = cursor.fetchone()
        return row


def locked_batches(rows: QuerySet[Row], size: int = 500) -> Iterator[list[Row]]:
    """All of these rows in the order of their keys; each batch in a transaction of its own, its rows locked."""
    last: object = None
    while True:
        with transaction.atomic():
            left = rows.order_by("pk") if last is None else rows.order_by("pk").filter(pk__gt=last)
            found = list(left.select_for_update()[:size])
            yield found
        if len(found) < size:
            return
        last = found[-1].pk
