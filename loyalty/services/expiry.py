"""Expiry: who has done nothing for as many months as the programme says loses all points; after warnings.

Set-based, a few thousand players in each short transaction; restarted at any moment it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from events.catalogue.loyalty import PointsExpired, PointsExpiring
from events.services.log import lock_players, publish_many
from kernel.db import ROOT, fetch_all
from kernel.ids import uuid7
from loyalty import rules
from loyalty.selectors_programme import STANDARD, Programmes
from loyalty.types_programme import ProgrammeRule

BATCH = 2_000

_EXPIRE = (ROOT / "loyalty/sql/expire.sql").read_text()
_OF_PROGRAMME = """
SELECT account.player_id, account.active_at FROM loyalty_pointsaccount account
LEFT JOIN loyalty_standing standing ON standing.player_id = account.player_id
WHERE account.balance > 0 AND account.active_at <= %(until)s AND coalesce(standing.programme, %(standard)s) = %(programme)s
"""


def expires_at(rule: ProgrammeRule, active_at: datetime) -> datetime:
    """When the points of somebody who was last active then expire: calendar months later, at the month's end where it is
    shorter."""
    return rules.months_later(active_at, rule.expiry_months)


def expire_points(*, at: datetime) -> int:
    """Let the points expire whose time is over; of how many players. Publishes PointsExpired for each."""
    expired = 0
    for programme, rule in sorted(Programmes.load().in_force(at).items()):
        # A day or two early: months differ; the moment itself is looked at below.
        until = rules.months_later(at, -rule.expiry_months) + timedelta(days=3)
        for part in _parts(f"{_OF_PROGRAMME} ORDER BY account.active_at", programme, until):
            due = {row["player_id"]: row["active_at"] for row in part if expires_at(rule, row["active_at"]) <= at}
            if due:
                expired += _expire(list(due), max(due.values()), at)
    return expired


def warn(*, at: datetime) -> int:
    """Warn whose points will expire within the days that the programme names, once for each; how many were warned.

    Publishes PointsExpiring.
    """
    warned = 0
    for programme, rule in sorted(Programmes.load().in_force(at).items()):
        for days in sorted(rule.warn_days, reverse=True):
            until = rules.months_later(at, -rule.expiry_months) + timedelta(days=days + 3)
            statement = (
                f"{_OF_PROGRAMME} AND (warned_days IS NULL OR warned_days > {int(days)}) ORDER BY account.active_at"
            )
            for part in _parts(statement, programme, until):
                due = [
                    row["player_id"]
                    for row in part
                    if at < expires_at(rule, row["active_at"]) <= at + timedelta(days=days)
                ]
                if due:
                    warned += _warn(due, days, rule, at)
    return warned


def _parts(statement: str, programme: str, until: datetime) -> Iterator[list[dict[str, Any]]]:
    rows = fetch_all(statement, {"until": until, "programme": programme, "standard": STANDARD})
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _expire(player_ids: list[UUID], until: datetime, at: datetime) -> int:
    with transaction.atomic():
        lock_players(player_ids)
        ids = [uuid7() for _ in player_ids]
        rows = fetch_all(_EXPIRE, {"players": player_ids, "ids": ids, "until": until, "at": at})
        publish_many([PointsExpired(player_id=row["player_id"], occurred_at=at, points=row["points"]) for row in rows])
    return len(rows)


def _warn(player_ids: list[UUID], days: int, rule: ProgrammeRule, at: datetime) -> int:
    with transaction.atomic():
        lock_players(player_ids)
        rows = fetch_all(
            """
            UPDATE loyalty_pointsaccount SET warned_days = %(days)s
            WHERE player_id = ANY(%(players)s) AND balance > 0 AND (warned_days IS NULL OR warned_days > %(days)s)
            RETURNING player_id, balance, active_at
            """,
            {"days": days, "players": player_ids},
        )
        publish_many(
            [
                PointsExpiring(
                    player_id=row["player_id"],
                    occurred_at=at,
                    points=row["balance"],
                    days=days,
                    expires_at=expires_at(rule, row["active_at"]),
                )
                for row in rows
                if at < expires_at(rule, row["active_at"])
            ]
        )
    return len(rows)
