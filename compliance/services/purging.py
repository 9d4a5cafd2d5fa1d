"""Purges: what is past its retention goes, in batches, unless a legal hold keeps it. Each run is on the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from compliance.purge_rules import PartitionPurge, TablePurge, list_purges
from events.audit import record
from kernel.access import require
from kernel.actors import Actor
from kernel.db import fetch_one

RUN = "compliance.run_purge"
BATCH = 5_000


class UnknownPurge(LookupError):
    """There is no purge of that name."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What one purge did, or would do: rows (or months) gone, and rows that a hold kept."""

    name: str
    title: str
    gone: int
    held: int


def purge(
    *,
    actor: Actor,
    at: datetime,
    names: Iterable[str] = (),
    dry_run: bool = False,
    progress: Callable[[str, int], object] = lambda name, gone: None,
) -> list[Purged]:
    """Run these purges, all of them unless named; with ``dry_run`` only count. One short transaction per batch.

    Raises: AccessDenied, UnknownPurge.
    """
    require(actor, RUN)
    known = {rule.name: rule for rule in list_purges()}
    wanted = list(names) or list(known)
    if unknown := set(wanted) - known.keys():
        raise UnknownPurge(f"There is no purge {', '.join(sorted(unknown))}; there are: {', '.join(known)}.")
    return [_run(known[name], actor, at, dry_run, progress) for name in wanted]


def _run(
    rule: TablePurge | PartitionPurge, actor: Actor, at: datetime, dry_run: bool, progress: Callable[[str, int], object]
) -> Purged:
    if isinstance(rule, TablePurge):
        done = _purge_rows(rule, at, dry_run, progress)
    else:
        done = _purge_months(rule, at, dry_run, progress)
    if not dry_run and done.gone:
        record(
            action="compliance.purge",
            actor=actor,
            at=at,
            object_type="compliance.purge",
            object_id=rule.name,
            after={"gone": str(done.gone), "held": str(done.held), "older_than_days": str(rule.keep.days)},
        )
    return done


def _purge_rows(rule: TablePurge, at: datetime, dry_run: bool, progress: Callable[[str, int], object]) -> Purged:
    """Through the table in the order of its key, a batch at a time."""
    last, gone, held = None, 0, 0
    while True:
        with transaction.atomic():
            last, deleted, kept = _next_batch(rule, last, at, dry_run)
        gone, held = gone + deleted, held + kept
        progress(rule.name, gone)
        if last is None:
            return Purged(rule.name, rule.title, gone, held)


def _next_batch(rule: TablePurge, after: str | None, at: datetime, dry_run: bool) -> tuple[str | None, int, int]:
    """The last key of the batch (None when it was the last batch), rows gone, rows held."""
    params = {"after": after, "before": at - rule.keep, "at": at, "limit": BATCH}
    old, free = f"r.{rule.age_column} < %(before)s", f"NOT {rule.held}"
    batch = f"""SELECT r.{rule.key} FROM {rule.table} r
        WHERE %(after)s::{rule.key_type} IS NULL OR r.{rule.key} > %(after)s::{rule.key_type}
        ORDER BY r.{rule.key} LIMIT %(limit)s"""
    keys, last, found, kept = fetch_one(
        f"""SELECT array_agg(b.{rule.key}::text) FILTER (WHERE {old} AND {free}),
                   (array_agg(b.{rule.key}::text ORDER BY b.{rule.key} DESC))[1], count(*),
                   count(*) FILTER (WHERE {old} AND NOT ({free}))
            FROM ({batch}) AS b JOIN {rule.table} r ON r.{rule.key} = b.{rule.key}""",
        params,
    )
    deleted = len(keys or ())
    if deleted and not dry_run:
        with connection.cursor() as cursor:
            # Asked once more at the row itself: a hold may have come in between.
            cursor.execute(
                f"DELETE FROM {rule.table} r WHERE r.{rule.key} = ANY(%(keys)s::{rule.key_type}[]) AND {old} AND {free}",
                {**params, "keys": keys},
            )
            deleted = cursor.rowcount
    return (last if found == BATCH else None), deleted, kept


def _purge_months(rule: PartitionPurge, at: datetime, dry_run: bool, progress: Callable[[str, int], object]) -> Purged:
    before, oldest = at - rule.keep, rule.oldest_held(at)
    possible = rule.drop(before, True)
    if oldest is not None and oldest < before:
        before = oldest  # months that begin with or after what is held stay
    gone = rule.drop(before, dry_run)
    progress(rule.name, gone)
    return Purged(rule.name, rule.title, gone, possible - gone)
