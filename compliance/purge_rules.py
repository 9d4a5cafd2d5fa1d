"""Where apps say what of theirs may be purged, when; from ``AppConfig.ready()``. What has no rule here is never purged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.apps import apps

from kernel.protection import Protection, Retention

# For SQL, on rows of a table with the alias r: a legal hold that stands at %(at)s keeps them.
HELD = """EXISTS (SELECT FROM compliance_legalhold h WHERE h.released_at IS NULL AND (h.ends_at IS NULL OR h.ends_at > %(at)s)
    AND ({0}))"""


@dataclass(frozen=True, slots=True)
class TablePurge:
    """Rows of ``table`` whose moment ``age_column`` lies ``keep`` or more in the past. ``key`` is its primary key, in whose
    order rows are walked through. ``player_column`` names the player whose hold keeps a row; ``object_type`` is what a hold
    on one row would call it.
    """

    name: str
    title: str
    table: str
    key: str
    key_type: str
    age_column: str
    keep: timedelta
    player_column: str = ""
    object_type: str = ""

    @property
    def held(self) -> str:
        """SQL: a hold keeps the row."""
        scopes = []
        if self.player_column:
            scopes.append(f"h.player_id = r.{self.player_column}")
        if self.object_type:
            scopes.append(f"(h.object_type = '{self.object_type}' AND h.object_id = r.{self.key}::text)")
        return HELD.format(" OR ".join(scopes)) if scopes else "false"


@dataclass(frozen=True, slots=True)
class PartitionPurge:
    """A table whose months are dropped whole. ``drop`` gets the moment before which months may go and drops them (or only
    counts, when asked to); ``oldest_held`` says from when on a hold keeps rows, None when none does.
    """

    name: str
    title: str
    keep: timedelta
    drop: Callable[[datetime, bool], int]
    oldest_held: Callable[[datetime], datetime | None]
    table: str


# The age from which on rows may be purged at all. What is kept as long as an account or as it is in use goes with that,
# and by no rule.
_LEAST = {
    Retention.OPERATIONAL: timedelta(0),
    Retention.FIVE_YEARS: timedelta(days=5 * 366),
    Retention.ACCOUNT_LIFE: timedelta.max,
    Retention.CONFIGURATION: timedelta.max,
}
_purges: dict[str, TablePurge | PartitionPurge] = {}


def register_purge(purge: TablePurge | PartitionPurge) -> None:
    """Raises: ValueError when another one has the name, or when its rows must be kept longer.

    How long, the table's model says (``protection``); a table of somebody else's model has no say.
    """
    if purge.name in _purges:
        raise ValueError(f"two purges are named {purge.name}")
    if purge.keep < _LEAST[_retention_of(purge.table)]:
        raise ValueError(f"{purge.name}: {purge.table} is kept longer, says its model; see kernel.protection.Retention")
    _purges[purge.name] = purge


def _retention_of(table: str) -> Retention:
    for model in apps.get_models():
        if model._meta.db_table == table:
            protection: Protection | None = model.__dict__.get("protection")
            return protection.retention if protection else Retention.OPERATIONAL
    raise ValueError(f"there is no table {table}")


def list_purges() -> list[TablePurge | PartitionPurge]:
    return [_purges[name] for name in sorted(_purges)]
