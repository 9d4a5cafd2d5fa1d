"""Rules of append-only tables, as SQL that finds what breaks them, span by span."""

from __future__ import annotations

import re
from dataclasses import dataclass

from events.services.spans import ROWS
from kernel.db import fetch_all

EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Check:
    """One rule, as SQL that finds what breaks it: ``subject`` (an id) and ``detail`` in words.

    ``{t}`` in it stands for "the rows of the alias t that belong to the span".
    """

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How often a rule is broken, with examples, the oldest first."""

    check: str
    broken: int
    examples: tuple[str, ...]


def run_check(check: Check, params: dict[str, object]) -> Finding:
    """Run one rule; ``params`` are those of the span, none for a rule over everything."""
    rule = re.sub(r"\{(\w)\}", lambda alias: ROWS.format(alias[1]), check.sql)
    sql = f"SELECT *, count(*) OVER () AS broken FROM ({rule}) AS found ORDER BY subject LIMIT {EXAMPLES}"
    rows = fetch_all(sql, params or {"none": None})
    return Finding(
        check=check.name,
        broken=rows[0]["broken"] if rows else 0,
        examples=tuple(f"{row['subject']}: {row['detail']}" for row in rows),
    )
