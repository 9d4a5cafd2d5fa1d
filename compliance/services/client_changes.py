"""Service clients are made and given more by one person, or asked for and approved by a second (FOUR_EYES)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
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
from kernel.errors import DomainError, FieldErrors
from kernel.scopes import SCOPES, with_implied
from players.selectors_access import get_staff_actor

KIND, CHANGE_KIND = "compliance.service_client", "compliance.service_client_change"


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
    return request_approval(
        kind=KIND,
        player_id=None,
        subject=f"API client {client_id}",
        content={"client_id": client_id, **_content(data)},
        before={},
        after={"client_id": client_id, **_shown(data)},
        comment=comment,
        idempotency_key=idempotency_key,
        actor=actor,
        at=at,
    )


def _content(data: ClientSettings) -> dict[str, Any]:
    return {
        "name": data.name,
        "scopes": sorted(data.scopes),
        "contact": data.contact,
        "allowed_ips": list(data.allowed_ips),
        "requests_per_minute": data.requests_per_minute,
    }


def _settings(content: Mapping[str, Any]) -> ClientSettings:
    return ClientSettings(
        name=content["name"],
        scopes=tuple(content["scopes"]),
        contact=content["contact"],
        allowed_ips=tuple(content["allowed_ips"]),
        requests_per_minute=content["requests_per_minute"],
    )


def _shown(data: ClientSettings) -> dict[str, Any]:
    """The same, as whoever approves reads it."""
    return {
        **_content(data),
        "scopes": ", ".join(sorted(data.scopes)),
        "allowed_ips": ", ".join(data.allowed_ips) or "from everywhere",
        "requests_per_minute": data.requests_per_minute or "as configured for all",
    }


@transaction.atomic
def _create(client_id: str, data: ClientSettings, actor: Actor, at: datetime) -> None:
    clients.create_client(client_id=client_id, data=data, actor=actor, at=at)
    _record("create_client", client_id, actor, at, after=_words(data))


def change_client(
    *, client_id: str, data: ClientSettings, comment: str, idempotency_key: str, actor: Actor, at: datetime
) -> ApprovalDetails | None:
    """Set what may be set of a client; None when done at once, else what waits for a second person.

    More scopes and more addresses wait; what narrows, the ceiling and the names do not.
    Raises: AccessDenied, NotFound, FieldErrors, IdempotencyConflict.
    """
    require(actor, clients.CHANGE, None, at)
    clients.check_settings(client_id, data)
    before = clients.get_settings(client_id)
    if "service_clients" not in settings.FOUR_EYES or not _widens(before, data):
        _change(client_id, data, comment, actor, at)
        return None
    return request_approval(
        kind=CHANGE_KIND,
        player_id=None,
        subject=f"API client {client_id} may do more",
        content={"client_id": client_id, "from": _content(before), "to": _content(data)},
        before=_shown(before),
        after=_shown(data),
        comment=comment,
        idempotency_key=idempotency_key,
        actor=actor,
        at=at,
    )


def _widens(before: ClientSettings, after: ClientSettings) -> bool:
    """Whether the client may do what it could not, or come from where it could not."""
    if set(after.scopes) - with_implied(before.scopes):
        return True
    known = [ip_network(text, strict=False) for text in before.allowed_ips]
    wanted = [ip_network(text, strict=False) for text in after.allowed_ips]
    if not known:
        return False
    return not wanted or not all(any(_inside(new, old) for old in known) for new in wanted)


def _inside(new: IPv4Network | IPv6Network, old: IPv4Network | IPv6Network) -> bool:
    return new.version == old.version and new.subnet_of(old)  # type: ignore[arg-type]


@transaction.atomic
def _change(
    client_id: str, data: ClientSettings, reason: str, actor: Actor, at: datetime, by: Actor | None = None
) -> None:
    """``by`` is whoever asked, where another person approved."""
    before = clients.get_settings(client_id)
    clients.change_client(client_id=client_id, data=data, actor=by or actor, at=at)
    _record("change_client", client_id, actor, at, before=_words(before), after=_words(data), reason=reason)


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
    reason: str = "",
) -> None:
    record(
        action=f"compliance.{deed}",
        actor=actor,
        at=at,
        object_type="kernel.serviceclient",
        object_id=client_id,
        reason=reason,
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
            f"It may: {'; '.join(SCOPES.get(scope, scope) for scope in content['scopes'])}.",
            "It has no secret yet: whoever asked for it has one issued on its page.",
        ]

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        content: dict[str, Any] = approval.content
        _create(content["client_id"], _settings(content), actor, at)
        return str(content["client_id"])

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Nobody waits for it."""


class ClientMoved(DomainError):
    """Somebody changed the client since this was asked for: what was shown is not what it is about any more."""

    code = "client_moved"
    title = "The client was changed meanwhile"
    status = 409


class ClientChangeApproval:
    """How a service client that is to do more is changed."""

    kind, title = CHANGE_KIND, "API client that may do more"
    request_permission, decide_permission = clients.CHANGE, ClientApproval.decide_permission
    expires_after = timedelta(days=7)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        client_id, data = approval.content["client_id"], _settings(approval.content["to"])
        where = ", ".join(data.allowed_ips) or "any address"
        lines = [
            f"The program {client_id} may call the API from {where}.",
            f"It may: {'; '.join(SCOPES.get(scope, scope) for scope in data.scopes)}.",
            "Tokens that it has go by it within seconds.",
        ]
        if _content(clients.get_settings(client_id)) != approval.content["from"]:
            lines.append("It cannot be carried out: the client was changed since it was asked for.")
        return lines

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        content: dict[str, Any] = approval.content
        if _content(clients.get_settings(content["client_id"])) != content["from"]:
            raise ClientMoved("The client was changed since this was asked for; ask anew.")
        # In the name of whoever asked: the right to change clients is theirs, and may be lost by now.
        asked = get_staff_actor(int(approval.requested_by.removeprefix("staff:")))
        _change(content["client_id"], _settings(content["to"]), approval.comment, actor, at, by=asked)
        return str(content["client_id"])

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Nobody waits for it."""
