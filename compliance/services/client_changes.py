"""Service clients are made by one person, or asked for and approved by a second (FOUR_EYES)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from compliance.services.approvals import request_approval
from compliance.types import ApprovalDetails
from events.audit import record
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
        _create(client_id, data, actor, at)
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


@transaction.atomic
def _create(client_id: str, data: ClientSettings, actor: Actor, at: datetime) -> None:
    clients.create_client(client_id=client_id, data=data, actor=actor, at=at)
    _record("create_client", client_id, actor, at, after=_words(data))


@transaction.atomic
def change_client(*, client_id: str, data: ClientSettings, actor: Actor, at: datetime) -> None:
    """``kernel.clients.change_client``, on the audit trail."""
    before = clients.get_settings(client_id)
    clients.change_client(client_id=client_id, data=data, actor=actor, at=at)
    _record("change_client", client_id, actor, at, before=_words(before), after=_words(data))


@transaction.atomic
def issue_secret(*, client_id: str, grace: timedelta, actor: Actor, at: datetime) -> str:
    """``kernel.clients.issue_secret``, on the audit trail."""
    secret = clients.issue_secret(client_id=client_id, grace=grace, actor=actor, at=at)
    _record("issue_secret", client_id, actor, at, after={"one before stays good for": str(grace)})
    return secret


@transaction.atomic
def end_old_secret(*, client_id: str, actor: Actor, at: datetime) -> None:
    """``kernel.clients.end_old_secret``, on the audit trail."""
    clients.end_old_secret(client_id=client_id, actor=actor, at=at)
    _record("end_old_secret", client_id, actor, at)


@transaction.atomic
def revoke_tokens(*, client_id: str, actor: Actor, at: datetime) -> None:
    """``kernel.clients.revoke_tokens``, on the audit trail."""
    ended = clients.revoke_tokens(client_id=client_id, actor=actor, at=at)
    _record("revoke_tokens", client_id, actor, at, after={"ended": str(ended)})


@transaction.atomic
def disable_client(*, client_id: str, actor: Actor, at: datetime) -> None:
    """``kernel.clients.disable_client``, on the audit trail."""
    clients.disable_client(client_id=client_id, actor=actor, at=at)
    _record("disable_client", client_id, actor, at)


@transaction.atomic
def enable_client(*, client_id: str, actor: Actor, at: datetime) -> None:
    """``kernel.clients.enable_client``, on the audit trail."""
    clients.enable_client(client_id=client_id, actor=actor, at=at)
    _record("enable_client", client_id, actor, at)


def _words(data: ClientSettings) -> dict[str, str]:
    return {
        "title": data.name,
        "scopes": ", ".join(sorted(data.scopes)),
        "allowed_ips": ", ".join(data.allowed_ips),
        "requests_per_minute": str(data.requests_per_minute or ""),
    }


def _record(
    deed: str,
    client_id: str,
    actor: Actor,
    at: datetime,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    record(
        action=f"compliance.{deed}",
        actor=actor,
        at=at,
        object_type="kernel.serviceclient",
        object_id=client_id,
        before=before,
        after=after,
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
        _create(content["client_id"], data, actor, at)
        return str(content["client_id"])

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Nobody waits for it."""
