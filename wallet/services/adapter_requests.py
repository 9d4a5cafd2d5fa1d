"""The log of what aggregators asked and were answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from kernel.actors import Actor
from kernel.db import fetch_one
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


def prune_requests(*, at: datetime) -> int:
    """Drop the months of the log that are past their retention; how many were dropped."""
    dropped: int = fetch_one("SELECT wallet_prune_adapter_requests(%s)", [at - KEPT])[0]
    return dropped
