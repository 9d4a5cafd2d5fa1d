"""Exports of the audit trail: streamed by COPY, with a signed manifest, and themselves on the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings

from events.audit import record
from events.models_audit import AuditSeal
from events.selectors_audit import where_of
from events.types import AuditQuery
from kernel.access import require
from kernel.actors import Actor
from kernel.archives import stream_archive
from kernel.context import request_id
from kernel.copying import copy_csv, copy_json_lines
from kernel.errors import DomainError
from kernel.sealing import Signer

EXPORT = "events.export_audit"


class ExportFormat(StrEnum):
    CSV = "csv"
    JSON = "json"


class ReasonMissing(DomainError):
    """An export needs a reason."""

    code = "reason_missing"
    title = "A reason is needed"


_MOMENT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.{}\"Z\"')"
_COLUMNS = f"""id, {_MOMENT.format("kernel_uuid7_at(id)", "MS")} AS recorded_at,
    {_MOMENT.format("occurred_at", "US")} AS occurred_at, action, outcome, actor_kind,
    {{actor_id}} AS actor_id, {{roles}} AS actor_roles, player_id, object_type,
    {{object_id}} AS object_id, {{reason}} AS reason, before, after, host(ip) AS ip, {{user_agent}} AS user_agent, request_id,
    chain, sequence, encode(hash, 'hex') AS hash"""
_FOREIGN = ("actor_id", "object_id", "reason", "user_agent")


def export_audit(*, query: AuditQuery, form: ExportFormat, reason: str, actor: Actor, at: datetime) -> Iterator[bytes]:
    """All records that fit, oldest first, as a ZIP of CSV or JSON lines and a signed manifest; in chunks.

    The export is recorded before its first byte. Raises: AccessDenied, ReasonMissing.
    """
    require(actor, EXPORT)
    if not reason.strip():
        raise ReasonMissing("Say in a few words what the export is for.")
    asked = _as_text(query)
    record_id = record(
        action="events.export_audit",
        actor=actor,
        at=at,
        player_id=query.player_id,
        object_type="events.audit",
        reason=reason,
        after={"format": form.value, **asked},
    )
    statement = {
        "what": "audit trail",
        "exported_at": at.isoformat(),
        "exported_by": str(actor),
        "reason": reason,
        "audit_record": str(record_id),
        "request_id": request_id.get(),
        "query": asked,
        "last_seal": _last_seal(),
    }
    signer = Signer(settings.SEAL_PRIVATE_KEYS) if settings.SEAL_PRIVATE_KEYS else None
    return stream_archive(_rows(query, form), file_name=f"audit.{form.value}", statement=statement, signer=signer)


def _rows(query: AuditQuery, form: ExportFormat) -> Iterator[bytes]:
    where, params = where_of(query)
    if form is ExportFormat.JSON:
        columns = _COLUMNS.format(**{name: name for name in _FOREIGN}, roles="actor_roles")
        return copy_json_lines(f"SELECT {columns} FROM events_auditrecord WHERE {where} ORDER BY id", params)
    foreign = {name: f"events_csv_text({name})" for name in _FOREIGN}
    columns = _COLUMNS.format(**foreign, roles="array_to_string(actor_roles, ' ')")
    return copy_csv(f"SELECT {columns} FROM events_auditrecord WHERE {where} ORDER BY id", params)


def _as_text(query: AuditQuery) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(query).items() if value}


def _last_seal() -> dict[str, Any] | None:
    row = AuditSeal.objects.order_by("-number").first()
    return {"number": row.number, "hash": row.hash} if row else None
