"""Reads of the audit trail."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from events.models_audit import AuditSeal
from events.types import AuditEntry, AuditOutcome, AuditQuery
from kernel.db import fetch_all
from kernel.errors import NotFound

_COLUMNS = """id, action, outcome, actor_kind, actor_id, actor_roles, player_id, object_type, object_id, reason,
    before::text, after::text, host(ip) AS ip, user_agent, request_id, occurred_at, epoch, xid, chain, sequence, hash"""


WINDOW = 20_000


class UnknownRecord(NotFound):
    """The audit trail has no record of this id."""

    code = "unknown_audit_record"
    title = "No such audit record"


def list_audit(query: AuditQuery, *, before: UUID | None = None, limit: int = 50) -> list[AuditEntry]:
    """The newest records that fit, newest first; with ``before`` those recorded before that one."""
    where, params = where_of(query)
    if before:
        where += " AND id < %(before)s"
        params["before"] = before
    newest = f"SELECT {_COLUMNS} FROM events_auditrecord WHERE {where} {{}} ORDER BY id DESC LIMIT %(limit)s"
    params["limit"] = limit
    rows = []
    if (query.text or query.role) and (edge := _find_edge(before)):
        # What is frequent fills a page from the newest records alone; its index would gather all there are, and sort.
        rows = fetch_all(newest.format("AND id >= %(edge)s"), {**params, "edge": edge})
    if len(rows) < limit:
        rows = fetch_all(newest.format(""), params)
    return [_entry(row) for row in rows]


def _find_edge(before: UUID | None) -> UUID | None:
    """The record that closes the window of the newest before this one; None where there are fewer."""
    rows = fetch_all(
        """SELECT id FROM events_auditrecord WHERE %(before)s::uuid IS NULL OR id < %(before)s
           ORDER BY id DESC OFFSET %(window)s LIMIT 1""",
        {"before": before, "window": WINDOW},
    )
    return rows[0]["id"] if rows else None


def get_audit(record_id: UUID) -> AuditEntry:
    """Raises: UnknownRecord."""
    rows = fetch_all(f"SELECT {_COLUMNS} FROM events_auditrecord WHERE id = %s", [record_id])
    if not rows:
        raise UnknownRecord(f"There is no audit record {record_id}.")
    return _entry(rows[0])


# Actions by which somebody saw personal data: on a page, by a reveal, in a file; or found somebody by it.
LOOKS = (
    "players.view_personal_data", "players.reveal", "wallet.export_history", "events.export_audit",
    "players.find_by_email", "players.find_by_phone", "players.find_by_national_id",
)  # fmt: skip


def list_looks(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[AuditEntry]:
    """Who has seen this player's data, newest first."""
    rows = fetch_all(
        f"""SELECT {_COLUMNS} FROM events_auditrecord WHERE player_id = %s AND action = ANY(%s)
            AND (%s::uuid IS NULL OR id < %s) ORDER BY id DESC LIMIT %s""",
        [player_id, list(LOOKS), before, before, limit],
    )
    return [_entry(row) for row in rows]


def where_of(query: AuditQuery) -> tuple[str, dict[str, Any]]:
    """The condition of a query in SQL, and its parameters."""
    # Lower and upper bounds of ids are those of time: months that nobody asked for are not looked at.
    conditions = {
        "actor_kind = %(actor_kind)s": query.actor_kind,
        "actor_id = %(actor_id)s": query.actor_id,
        "actor_roles @> ARRAY[%(role)s]": query.role,
        "player_id = %(player_id)s": query.player_id,
        "object_type = %(object_type)s": query.object_type,
        "object_id = %(object_id)s AND object_type <> ''": query.object_id,
        "outcome = %(outcome)s": query.outcome and query.outcome.value,
        "id >= kernel_uuid7_floor(%(since)s)": query.since,
        "id < kernel_uuid7_floor(%(until)s)": query.until,
        "ip = %(ip)s::inet": query.ip,
        "request_id = %(request_id)s": query.request_id,
    }
    kept = [sql for sql, value in conditions.items() if value]
    params: dict[str, Any] = {name: getattr(query, name) for name in query.__dataclass_fields__}
    params["outcome"] = query.outcome and query.outcome.value
    if query.actor_id and not query.actor_kind:
        kept.append("actor_kind IN ('staff', 'player', 'client', 'system')")  # the index begins with it
    if query.action.endswith("."):
        kept.append("action >= %(action)s AND action < %(action_end)s")
        params["action_end"] = query.action[:-1] + "/"  # the character after the dot
    elif query.action:
        kept.append("action = %(action)s")
    if query.text:
        kept.append("lower(reason) LIKE %(pattern)s AND reason <> ''")
        params["pattern"] = f"%{_escaped(query.text.lower())}%"
    return " AND ".join(kept) or "true", params


def find_seal_number(entry: AuditEntry) -> int | None:
    """The seal that covers a record; None while it is not sealed."""
    rows = AuditSeal.objects.filter(epoch=entry.epoch, xid_until__gt=entry.xid).order_by("xid_until")
    return rows.values_list("number", flat=True).first()


def list_actions() -> list[str]:
    """The actions that the trail knows, in order: one step of an index for each, not all rows."""
    rows = fetch_all(
        """WITH RECURSIVE known AS (
               (SELECT action FROM events_auditrecord ORDER BY action LIMIT 1)
               UNION ALL
               SELECT (SELECT action FROM events_auditrecord WHERE action > known.action ORDER BY action LIMIT 1)
               FROM known WHERE known.action IS NOT NULL
           ) SELECT action FROM known WHERE action IS NOT NULL"""
    )
    return [row["action"] for row in rows]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _entry(row: dict[str, Any]) -> AuditEntry:
    values = {name: row[name] and json.loads(row[name]) for name in ("before", "after")}
    return AuditEntry(
        **{
            **row,
            **values,
            "outcome": AuditOutcome(row["outcome"]),
            "actor_roles": tuple(row["actor_roles"]),
            "ip": row["ip"] or "",
            "hash": bytes(row["hash"]),
        }
    )
