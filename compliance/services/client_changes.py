"""Service clients are made by one person, or asked for and approved by a second (FOUR_EYES)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from compliance.services.approvals import request_approval
from compliance.types import ApprovalDetails
from kernel import clients
from kernel.access import require
from kernel.actors import Actor
from kernel.clients import ClientSettings
from kernel.errors import FieldErrors

KIND = "compliance.service_client"


def make_client(
    *, client_id: str, data: ClientSettings, comment: str, idempotency_key: str, actor: Actor, at: datetime
) -> ApprovalDetails | None:
    """Make a client without a secret; None when done at once, else what waits for a second person.

    Raises: AccessDenied, FieldErrors, ClientExists, IdempotencyConflict.
    """
    require(actor, clients.ADD, None, at)
    clients.check_settings(client_id, data)
    if not comment.strip():
        raise FieldErrors({"comment": ["Say in a few words what it is for."]})
    if "service_clients" not in settings.FOUR_EYES:
        clients.create_client(client_id=client_id, data=data, actor=actor, at=at)
        return None
    content = {
        "client_id": client_id,
        "name": data.name,
        "scopes": sorted(data.scopes),
        "contact": data.contact,
        "allowed_ips": list(data.allowed_ips),
        "requests_per_minute": data.requests_per_minute,
    }
    after = {
        **content,
        "scopes": ", ".join(sorted(data.scopes)),
        "allowed_ips": ", ".join(data.allowed_ips) or "from everywhere",
        "requests_per_minute": data.requests_per_minute or "as configured for all",
    }
    return request_approval(
        kind=KIND,
        player_id=None,
        subject=f"API client {client_id}",
        content=content,
        before={},
        after=after,
        comment=comment,
        idempotency_key=idempotency_key,
        actor=actor,
        at=at,
    )


class ClientApproval:
    """How an approved service client is made."""

    kind, title = KIND, "API client"
    request_permission, decide_permission = clients.ADD, "kernel.approve_serviceclient"
    expires_after = timedelta(days=7)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        content = approval.content
        where = ", ".join(content["allowed_ips"]) or "any address"
        return [
            f"A program named {content['client_id']} may call the API from {where}.",
            f"It may: {'; '.join(clients.SCOPES.get(scope, scope) for scope in content['scopes'])}.",
            "It has no secret yet: whoever asked for it has one issued on its page.",
        ]

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        content: dict[str, Any] = approval.content
        data = ClientSettings(
            name=content["name"],
            scopes=tuple(content["scopes"]),
            contact=content["contact"],
            allowed_ips=tuple(content["allowed_ips"]),
            requests_per_minute=content["requests_per_minute"],
        )
        clients.create_client(client_id=content["client_id"], data=data, actor=actor, at=at)
        return str(content["client_id"])

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Nobody waits for it."""
