"""How records of the audit trail look in the back office: lines of a table, links, differences. Other apps' pages use it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from events.audit import CHANGED, SEALED, open_value
from events.ports import get_directory
from events.types import AuditEntry
from kernel.actors import ActorKind
from kernel.display import copyable


def changes_of(entry: AuditEntry, *, opened: bool = False) -> list[tuple[str, str, str, bool]]:
    """Name, before, after, and whether they differ; nothing where neither was given. Personal values only if ``opened``."""
    before, after = entry.before or {}, entry.after or {}
    names = [*before, *(name for name in after if name not in before)]
    rows = []
    for name in names:
        old, new = (_value(values.get(name), entry.player_id, opened) for values in (before, after))
        rows.append((name, old, new, before.get(name) != after.get(name)))
    return rows


def _value(value: object, player_id: UUID | None, opened: bool) -> str:
    if value is None:
        return "–"
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value.startswith(SEALED) and not opened:
        return CHANGED
    return open_value(player_id, value)


def lines_of(entries: Sequence[AuditEntry]) -> list[dict[str, object]]:
    names = names_of(entries)
    return [
        {
            "entry": entry,
            "recorded_at": recorded_at(entry),
            "actor": actor_link(entry.actor_kind, entry.actor_id, names),
            "roles": ", ".join(entry.actor_roles),
            "player": player_link(entry.player_id),
            "object": object_link(entry),
        }
        for entry in entries
    ]


def names_of(entries: Sequence[AuditEntry]) -> dict[str, str]:
    staff = {entry.actor_id for entry in entries if entry.actor_kind == ActorKind.STAFF}
    return dict(get_directory().list_staff_names(staff))


def actor_link(kind: str, actor_id: str, names: dict[str, str]) -> SafeString:
    """Who did it, with a link to all that they did."""
    shown = names.get(actor_id, actor_id) if kind == ActorKind.STAFF else actor_id
    href = reverse("admin:events_auditrecord_changelist") + "?" + urlencode({"person": f"{kind}:{actor_id}"})
    return format_html('<a class="pms-link" href="{}">{}</a> <span class="pms-subtle">{}</span>', href, shown, kind)


def search_link(text: str, **query: str) -> SafeString:
    """A link to all records that fit: ``person="staff:7"``, ``request_id=…``."""
    href = reverse("admin:events_auditrecord_changelist") + "?" + urlencode(query)
    return format_html('<a class="pms-link" href="{}">{}</a>', href, text)


def player_link(player_id: UUID | None) -> str:
    return copyable(player_id, reverse("admin:players_player_change", args=[player_id])) if player_id else ""


def object_link(entry: AuditEntry) -> str:
    """The object, with a link to its page where "app.model" has one."""
    if not entry.object_type:
        return ""
    name = entry.object_type.replace(".", "_")
    try:
        href = reverse(f"admin:{name}_change", args=[entry.object_id]) if entry.object_id else ""
    except NoReverseMatch:
        href = ""
    label = format_html('<span class="pms-subtle">{}</span>', entry.object_type)
    return format_html("{} {}", label, copyable(entry.object_id, href)) if entry.object_id else label


def recorded_at(entry: AuditEntry) -> datetime:
    return datetime.fromtimestamp(entry.recorded_unix_ms / 1000, UTC)
