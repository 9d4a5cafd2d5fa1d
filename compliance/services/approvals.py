"""Four eyes: one person asks, another decides, and what was approved is carried out in the same transaction, once.

The app that owns an action registers how it is carried out (compliance.ports); nothing here knows what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from compliance import rules
from compliance.models import Approval
from compliance.ports import ApprovalHandler, get_handler
from compliance.selectors import about, details, get_approval
from compliance.selectors_delegation import list_principals
from compliance.types import ApprovalDetails, ApprovalState
from events.audit import record
from events.catalogue.compliance import ApprovalDecided, ApprovalRequested
from events.services.log import holding, publish
from kernel.access import AccessDenied, require
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict
from kernel.pan import refuse_pans
from players.selectors_access import get_staff_actor
from players.selectors_staff import list_hands


class AlreadyDecided(DomainError):
    """Somebody else was quicker."""

    code = "already_decided"
    title = "This was decided before"
    status = 409


class ApprovalExpired(DomainError):
    """Nobody decided in time. Ask for it anew."""

    code = "approval_expired"
    title = "This approval has expired"
    status = 409


class SelfApproval(AccessDenied):
    """Whoever asked for it cannot decide on it."""

    code = "self_approval"
    title = "Nobody approves what they asked for"
    status = 403


ONE_PERSON = (
    "Password or second factors of one of you were set by the other, or by one and the same person, within the last two"
    " weeks: a third person has to decide."
)


class NotADeputy(DomainError):
    """Nobody appointed this person to decide in the other's place now."""

    code = "not_a_deputy"
    title = "You do not stand in for this person"
    status = 403


class ContentChanged(DomainError):
    """What is stored is not what the approver saw, or not what was asked for. Nothing was carried out."""

    code = "content_changed"
    title = "This is not what was shown"
    status = 409


class ClaimedByAnother(DomainError):
    """Somebody else is working on it."""

    code = "claimed_by_another"
    title = "Somebody else is working on this"
    status = 409


def request_approval(
    *,
    kind: str,
    player_id: UUID | None,
    subject: str,
    content: dict[str, Any],
    before: dict[str, Any],
    after: dict[str, Any],
    comment: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> ApprovalDetails:
    """Ask for ``content`` to be carried out. May be called inside the asking service's own transaction.

    ``before`` and ``after`` are what the approver sees of it. The same key and content gives the first request again.
    Publishes ApprovalRequested. Raises: AccessDenied, FieldErrors, IdempotencyConflict.
    """
    handler = get_handler(kind)
    require(actor, handler.request_permission, about(player_id, content), at)
    if not comment.strip():
        raise FieldErrors({"comment": ["Say in a few words why."]})
    refuse_pans(comment=comment)
    for part in (content, before, after):
        rules.check_exact(part)
    digest = rules.content_digest(kind, player_id, content, before, after)
    with _frame(player_id):
        row, made = Approval.objects.get_or_create(
            kind=kind,
            key=idempotency_key,
            defaults={
                "player_id": player_id,
                "subject": subject[:200],
                "content": content,
                "before": before,
                "after": after,
                "digest": digest,
                "comment": comment,
                "requested_by": str(actor),
                "requested_at": at,
                "expires_at": at + handler.expires_after,
            },
        )
        if bytes(row.digest) != digest:
            raise IdempotencyConflict("This key asked for something else before.")
        if made:
            publish(
                ApprovalRequested(
                    player_id=player_id,
                    occurred_at=at,
                    approval_id=row.id,
                    kind=kind,
                    requested_by=str(actor),
                    expires_at=row.expires_at,
                )
            )
            _record("compliance.request_approval", row, comment, actor, at)
    return details(row)


def approve(
    *, approval_id: UUID, seen_digest: str, comment: str, actor: Actor, at: datetime, acting_for: str = ""
) -> ApprovalDetails:
    """Say yes to what ``seen_digest`` (hex, from the page or answer that was read) names, and carry it out.

    ``acting_for`` ("staff:7") names whose deputy decides. Decision and action commit together, or neither does.
    Publishes ApprovalDecided. Raises: NotFound, AccessDenied, NotADeputy, SelfApproval, AlreadyDecided,
    ApprovalExpired, ClaimedByAnother, ContentChanged, and what the action itself refuses.
    """
    with _deciding(approval_id, actor, at, acting_for) as (row, handler):
        stored = rules.content_digest(row.kind, row.player_id, row.content, row.before, row.after)
        if not stored == bytes(row.digest) == _digest(seen_digest):
            raise ContentChanged("Read it again: what is stored differs from what was shown.")
        result = handler.execute(details(row), actor, at)
        return _decide(row, ApprovalState.APPROVED, comment, actor, at, result, acting_for)


def reject(*, approval_id: UUID, comment: str, actor: Actor, at: datetime, acting_for: str = "") -> ApprovalDetails:
    """Say no, with a reason. Publishes ApprovalDecided.

    Raises: NotFound, AccessDenied, NotADeputy, SelfApproval, AlreadyDecided, ApprovalExpired, ClaimedByAnother,
    FieldErrors.
    """
    if not comment.strip():
        raise FieldErrors({"comment": ["Say in a few words why."]})
    with _deciding(approval_id, actor, at, acting_for) as (row, handler):
        handler.declined(details(row), actor, at)
        return _decide(row, ApprovalState.REJECTED, comment, actor, at, "", acting_for)


def withdraw(*, approval_id: UUID, comment: str, actor: Actor, at: datetime) -> ApprovalDetails:
    """Ask for it no more: what it is about has ended. For the app that asked, in the transaction that ends it.

    ``actor`` is whoever ended it, whom that app has let. One that was decided before stays as it is.
    Publishes ApprovalDecided. Raises: NotFound.
    """
    with _frame(get_approval(approval_id).player_id):
        row = Approval.objects.select_for_update().get(id=approval_id)
        if row.state != ApprovalState.REQUESTED:
            return details(row)
        return _decide(row, ApprovalState.WITHDRAWN, comment, actor, at, "")


def take_back(*, approval_id: UUID, comment: str, actor: Actor, at: datetime) -> ApprovalDetails:
    """Whoever asked for it wants it no more; what waits for it is told as after a rejection. Publishes ApprovalDecided.

    Raises: NotFound, AccessDenied, AlreadyDecided.
    """
    found = get_approval(approval_id)
    handler = get_handler(found.kind)
    if found.requested_by != str(actor):
        raise AccessDenied("Only whoever asked for it takes it back.")
    with _frame(found.player_id):
        row = Approval.objects.select_for_update().get(id=approval_id)
        if row.state != ApprovalState.REQUESTED:
            raise AlreadyDecided(f"It is {row.state} already.", state=row.state)
        handler.declined(details(row), actor, at)
        return _decide(row, ApprovalState.WITHDRAWN, comment, actor, at, "")


def claim(*, approval_id: UUID, actor: Actor, at: datetime) -> ApprovalDetails:
    """Take it in hand for half an hour, so that nobody else works on it. Raises: as ``reject``."""
    with _deciding(approval_id, actor, at) as (row, _):
        row.claimed_by, row.claimed_at = str(actor), at
        row.save(update_fields=["claimed_by", "claimed_at"])
        return details(row)


def release(*, approval_id: UUID, actor: Actor, at: datetime) -> ApprovalDetails:
    """Give it back to the queue. Raises: as ``reject``."""
    with _deciding(approval_id, actor, at) as (row, _):
        row.claimed_by, row.claimed_at = "", None
        row.save(update_fields=["claimed_by", "claimed_at"])
        return details(row)


def expire_due(*, actor: Actor, at: datetime, limit: int = 500) -> int:
    """Close what nobody decided in time; how many. Publishes ApprovalDecided for each."""
    due = Approval.objects.filter(state=ApprovalState.REQUESTED, expires_at__lte=at).order_by("expires_at", "id")
    expired = 0
    for approval_id, player_id in due.values_list("id", "player_id")[:limit]:
        with _frame(player_id):
            row = Approval.objects.select_for_update().get(id=approval_id)
            if row.state != ApprovalState.REQUESTED:
                continue
            get_handler(row.kind).declined(details(row), actor, at)
            _decide(row, ApprovalState.EXPIRED, "", actor, at, "")
            expired += 1
    return expired


def one_person(first: str, second: str, at: datetime) -> bool:
    """Whether one person could be behind both of these actors: one has reset the other, or somebody both, a short while ago."""
    ids = [actor.removeprefix("staff:") for actor in (first, second)]
    return all(id_.isdigit() for id_ in ids) and not list_hands(int(ids[0]), at).isdisjoint(list_hands(int(ids[1]), at))


@contextmanager
def _frame(player_id: UUID | None) -> Iterator[None]:
    with holding(player_id) if player_id else transaction.atomic():
        yield


@contextmanager
def _deciding(
    approval_id: UUID, actor: Actor, at: datetime, acting_for: str = ""
) -> Iterator[tuple[Approval, ApprovalHandler]]:
    """The transaction of a decision: player held, row locked, and everything that stands against it checked."""
    found = get_approval(approval_id)
    handler = get_handler(found.kind)
    subject = about(found.player_id, found.content)
    for person in _deciders(actor, found.kind, acting_for, at):
        require(person, handler.decide_permission, subject, at)
    if actor.kind is not ActorKind.STAFF:
        raise AccessDenied("Only a person decides on what another has asked for.")
    absent = {delegation.principal for delegation in list_principals(deputy=str(actor), at=at, kind=found.kind)}
    with _frame(found.player_id):
        row = Approval.objects.select_for_update().get(id=approval_id)
        if row.requested_by == str(actor):
            raise SelfApproval("You asked for this: somebody else has to decide.")
        if one_person(str(actor), row.requested_by, at):
            raise SelfApproval(ONE_PERSON)
        if row.requested_by in absent:
            raise SelfApproval("You stand in for whoever asked for this: a third person has to decide.")
        if row.state != ApprovalState.REQUESTED:
            raise AlreadyDecided(f"It is {row.state} already.", state=row.state)
        if at >= row.expires_at:
            raise ApprovalExpired(f"It expired at {row.expires_at:%Y-%m-%d %H:%M} UTC.")
        if row.claimed_by not in ("", str(actor), acting_for) and rules.claim_stands(row.claimed_at, at):
            raise ClaimedByAnother("Somebody else has taken it in hand.", claimed_by=row.claimed_by)
        yield row, handler


def _deciders(actor: Actor, kind: str, acting_for: str, at: datetime) -> list[Actor]:
    """Who must all be allowed to decide: the actor; for a deputy, the principal, and the deputy in their standing.

    The deputy keeps to their own permissions and is bound by the principal's roles: ceilings are the principal's.
    Raises: NotADeputy.
    """
    if not acting_for:
        return [actor]
    if acting_for not in {row.principal for row in list_principals(deputy=str(actor), at=at, kind=kind)}:
        raise NotADeputy("You are not the deputy of this person for this now.")
    principal = get_staff_actor(int(acting_for.removeprefix("staff:")))
    return [principal, replace(actor, roles=principal.roles, grants=principal.grants)]


def _decide(
    row: Approval,
    state: ApprovalState,
    comment: str,
    actor: Actor,
    at: datetime,
    result: str,
    acting_for: str = "",
) -> ApprovalDetails:
    refuse_pans(comment=comment)
    row.state, row.decision_comment, row.result = state, comment, result
    row.decided_by, row.decided_for, row.decided_at = str(actor), acting_for, at
    row.save(update_fields=["state", "decision_comment", "result", "decided_by", "decided_for", "decided_at"])
    publish(
        ApprovalDecided(
            player_id=row.player_id,
            occurred_at=at,
            approval_id=row.id,
            kind=row.kind,
            state=state,
            decided_by=str(actor),
            result=result,
        )
    )
    _record(f"compliance.{_DEEDS[state]}", row, comment, actor, at)
    return details(row)


_DEEDS = {
    ApprovalState.APPROVED: "approve",
    ApprovalState.REJECTED: "reject_approval",
    ApprovalState.EXPIRED: "expire_approval",
    ApprovalState.WITHDRAWN: "withdraw_approval",
}


def _record(action: str, row: Approval, comment: str, actor: Actor, at: datetime) -> None:
    record(
        action=action,
        actor=actor,
        at=at,
        player_id=row.player_id,
        object_type="compliance.approval",
        object_id=str(row.id),
        reason=comment,
        before=row.before,
        after={"kind": row.kind, "subject": row.subject, **row.after},
    )


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
