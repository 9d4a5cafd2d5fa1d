"""The log of what aggregators asked and were answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Q

from compliance.selectors_holds import list_held_objects, list_held_players
from kernel.actors import Actor
from kernel.db import fetch_one
from kernel.ids import uuid7_unix_ms
from wallet.models_adapters import AdapterRequest
from wallet.types_adapters import AdapterRequestDetails

# Aggregators may ask about a transaction for at least four months.
KEPT = timedelta(days=183)
_FIELDS = tuple(AdapterRequestDetails.__dataclass_fields__)


def record_request(
    *, details: AdapterRequestDetails, replay_of: UUID | None = None, actor: Actor | None = None
) -> UUID:
    """Write one answered request down; its id. A replay names the request that ``actor`` tried again."""
    row = AdapterRequest.objects.create(
        **{name: getattr(details, name) for name in _FIELDS},
        replay_of=replay_of,
        replayed_by=str(actor) if actor else "",
    )
    return row.id


def drop_months(before: datetime, dry_run: bool) -> int:
    """Drop the months of the log that ended before a moment, never one of the last four; how many. Or only count them."""
    if not dry_run:
        dropped: int = fetch_one("SELECT wallet_prune_adapter_requests(%s)", [before])[0]
        return dropped
    months: int = fetch_one(
        """SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = 'wallet_adapterrequest'::regclass AND c.relname <
               'wallet_adapterrequest_' || to_char(least(%s, now() - interval '4 months') AT TIME ZONE 'UTC', 'YYYY_MM')""",
        [before],
    )[0]
    return months


def find_oldest_held(at: datetime) -> datetime | None:
    """When the oldest request came that a legal hold on its player, or on itself, keeps."""
    held = AdapterRequest.objects.filter(
        Q(player_id__in=list_held_players(at)) | Q(id__in=list_held_objects("wallet.adapterrequest", at))
    )
    oldest = held.order_by("id").values_list("id", flat=True).first()
    return datetime.fromtimestamp(uuid7_unix_ms(oldest) / 1000, UTC) if oldest else None
