"""The audit trail: who did what, to whom, from where and why. Services, logins, reveals, exports and refusals write here.

Events say what came to pass and others act on them; the trail is read by people and by nobody's code. A bet is in the
ledger and writes nothing here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from uuid import UUID

from django.apps import apps
from psycopg.types.json import Jsonb

from events.types import AuditOutcome
from kernel import vault
from kernel.actors import Actor
from kernel.context import client_ip, request_id, user_agent
from kernel.db import fetch_one
from kernel.pan import mask_pans
from kernel.protection import PERSONAL_NAMES

CHANGED, ERASED = "(changed)", "(erased)"
SEALED = "sealed:"  # begins what is kept of a personal value
_FIELD = "events.audit"
_LONGEST_VALUE = 1_000


def record(
    *,
    action: str,
    actor: Actor,
    at: datetime,
    player_id: UUID | None = None,
    object_type: str = "",
    object_id: str = "",
    reason: str = "",
    outcome: AuditOutcome = AuditOutcome.DONE,
    before: Mapping[str, str] | None = None,
    after: Mapping[str, str] | None = None,
) -> UUID:
    """Write one record of a deed, in the caller's transaction; its id.

    ``action`` is "app.verb_noun" ("players.change_status"); ``object_type`` "app.noun". Address, browser and request id
    come from ``kernel.context``, roles from the actor. Values of ``before`` and ``after`` that are personal, by their last
    name and by what the model ``object_type`` declares, are sealed under the player's key, so that its destruction erases
    them and the chain still holds; where there is no player, or the key is gone, they are kept as "(changed)".
    Call it after the transaction holds its players.
    """
    record_id: UUID = fetch_one(
        "SELECT events_audit_append(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::inet, %s, %s, %s)",
        [
            action,
            outcome.value,
            actor.kind.value,
            actor.id,
            sorted(actor.roles),
            player_id,
            object_type,
            object_id,
            mask_pans(reason),
            _kept(before, object_type, player_id, at),
            _kept(after, object_type, player_id, at),
            client_ip.get() or None,
            user_agent.get(),
            request_id.get(),
            at,
        ],
    )[0]
    return record_id


def open_value(player_id: UUID | None, value: str) -> str:
    """What a record keeps of a personal value, opened; "(erased)" once the player's key is destroyed.

    Who may read it, the caller asks. Raises: kernel.vault.Damaged.
    """
    if player_id is None or not value.startswith(SEALED):
        return value
    try:
        return vault.unseal(player_id, _FIELD, base64.b64decode(value.removeprefix(SEALED)))
    except vault.Destroyed:
        return ERASED


def _kept(values: Mapping[str, str] | None, object_type: str, player_id: UUID | None, at: datetime) -> Jsonb | None:
    """What is kept of these values."""
    if values is None:
        return None
    personal = _personal_names(object_type)
    return Jsonb(
        {
            name: _sealed(text, player_id, at) if name.rpartition(".")[2] in personal else text
            for name, text in ((name, mask_pans(str(value))[:_LONGEST_VALUE]) for name, value in values.items())
        }
    )


def _sealed(text: str, player_id: UUID | None, at: datetime) -> str:
    if player_id is None:
        return CHANGED
    try:
        return SEALED + base64.b64encode(vault.seal(player_id, _FIELD, text, at=at)).decode()
    except vault.Destroyed:
        return CHANGED


@cache
def _personal_names(object_type: str) -> frozenset[str]:
    """Names of what is personal in this model; where it names none, of what any model declares personal."""
    declared = {
        model._meta.label_lower: model.protection.personal
        for model in apps.get_models()
        if hasattr(model, "protection")
    }
    if object_type in {model._meta.label_lower for model in apps.get_models()}:
        return PERSONAL_NAMES.union(declared.get(object_type, ()))
    return PERSONAL_NAMES.union(*declared.values())
