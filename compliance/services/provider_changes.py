"""Identity providers of staff: whom they let in with which roles takes a second person (FOUR_EYES)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from compliance.services.approvals import request_approval
from compliance.services.role_changes import APPROVE
from compliance.types import ApprovalDetails
from kernel.access import require
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors
from players.selectors_access import get_staff_actor
from players.selectors_staff import find_provider
from players.services.staff_providers import check_provider, only_narrows, provider_words, save_provider
from players.types_staff import Protocol, ProviderSettings

CHANGE = "players.change_identityprovider"
KIND = "compliance.identity_provider"


class ProviderMoved(DomainError):
    """Somebody changed the provider since this was asked for: what was shown is not what it is about any more."""

    code = "provider_moved"
    title = "The identity provider was changed meanwhile"
    status = 409


def change_provider(
    *, data: ProviderSettings, comment: str, idempotency_key: str, actor: Actor, at: datetime
) -> UUID | None:
    """Make an identity provider or give it these settings; None when done at once, else the id of what waits.

    What only narrows is done at once: switched off, fewer groups mapped, fewer values that stand for a second factor.
    Raises: AccessDenied, FieldErrors, IdempotencyConflict.
    """
    require(actor, CHANGE, None, at)
    check_provider(data)
    if not comment.strip():
        raise FieldErrors({"comment": ["Say in a few words why."]})
    before = find_provider(data.slug)
    if "single_sign_on" not in settings.FOUR_EYES or (before and only_narrows(before, data)):
        save_provider(data=data, actor=actor, at=at)
        return None
    return request_approval(
        kind=KIND,
        player_id=None,
        subject=f"Single sign-on by {data.slug}",
        content={"from": _content(before), "to": _content(data)},
        before=provider_words(before) if before else {},
        after=provider_words(data),
        comment=comment,
        idempotency_key=idempotency_key,
        actor=actor,
        at=at,
    ).id


def _content(data: ProviderSettings | None) -> dict[str, Any] | None:
    """Exact in JSON: parameters are text, for they may hold anything."""
    if data is None:
        return None
    return {
        "slug": data.slug,
        "name": data.name,
        "protocol": data.protocol.value,
        "parameters": json.dumps(data.parameters, sort_keys=True),
        "active": data.active,
        "client_id": data.client_id,
        "groups_claim": data.groups_claim,
        "mfa_contexts": list(data.mfa_contexts),
        "roles": [list(pair) for pair in sorted(data.roles)],
    }


def _settings(content: Mapping[str, Any]) -> ProviderSettings:
    return ProviderSettings(
        **{
            **content,
            "protocol": Protocol(content["protocol"]),
            "parameters": json.loads(content["parameters"]),
            "mfa_contexts": tuple(content["mfa_contexts"]),
            "roles": frozenset((group, role) for group, role in content["roles"]),
        }
    )


class ProviderApproval:
    """How an approved change of an identity provider is carried out."""

    kind, title = KIND, "Single sign-on"
    request_permission, decide_permission = CHANGE, APPROVE
    expires_after = timedelta(days=3)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        data = _settings(approval.content["to"])
        roles = sorted({role for _, role in data.roles})
        lines = [
            f"Staff log in with “{data.name}”, and get their roles from it: {', '.join(roles) or 'none'}."
            if data.active
            else f"Nobody logs in with “{data.name}”."
        ]
        if _content(find_provider(data.slug)) != approval.content["from"]:
            lines.append("It cannot be carried out: the provider was changed since it was asked for.")
        return [*lines, "Whoever runs that server decides who is in which group: make sure that it is ours."]

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        data = _settings(approval.content["to"])
        if _content(find_provider(data.slug)) != approval.content["from"]:
            raise ProviderMoved("The provider was changed since this was asked for; ask anew.")
        # Whoever asked may have lost the right since.
        require(get_staff_actor(int(approval.requested_by.removeprefix("staff:"))), CHANGE, None, at)
        save_provider(data=data, actor=actor, at=at)
        return data.slug

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Nobody waits for it."""
