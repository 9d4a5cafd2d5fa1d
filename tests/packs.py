"""Packs in force, for tests: activated through the services, with two people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from compliance.pack_files import load_packs
from compliance.pack_schema import SCHEMA
from compliance.services.approvals import approve
from compliance.services.packs import request_activation
from compliance.types_packs import DEFAULT, EffectivePack
from kernel.actors import Actor, ActorKind
from kernel.packs import Value

_MAY = frozenset({"compliance.activate_pack", "compliance.approve_pack"})
ASKS, DECIDES = (Actor(ActorKind.STAFF, str(number), _MAY) for number in (9001, 9002))
LONG_AGO = datetime(2019, 1, 1, tzinfo=UTC)


def activate(*pack_ids: str, at: datetime = LONG_AGO) -> None:
    """Put every version of these packs in force, each from its own day on (but not before ``at``)."""
    for pack_id in pack_ids:
        for file in load_packs()[pack_id]:
            asked = request_activation(
                pack_id=pack_id,
                version=file.version,
                signed_off=dict.fromkeys(file.unsourced, "For tests."),
                comment="For tests.",
                idempotency_key=f"{pack_id} {file.version}",
                actor=ASKS,
                at=at,
            )
            approve(approval_id=asked.id, seen_digest=asked.digest, comment="", actor=DECIDES, at=at)


def pack_of(values: Mapping[str, object], *, pack_id: str = DEFAULT, currency: str = "EUR") -> EffectivePack:
    """A pack that says just this, written as in a file: for rules of jurisdictions that no file is there for."""
    read: dict[str, Value] = {key: SCHEMA[key].kind.read(raw, "") for key, raw in values.items()}
    return EffectivePack(pack_id, date(2020, 1, 1), None, "UTC", currency, LONG_AGO, None, read)
