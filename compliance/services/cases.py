"""Review cases: opened by anything that wants a person's eye, claimed by one person, ended with an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from compliance.models_cases import ReviewCase
from compliance.selectors_cases import details, get_case
from compliance.types_cases import DEFAULT_SLA, SLA, CaseDetails, CaseKind, CaseState
from events.audit import record
from kernel.access import require
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors

RESOLVE = "compliance.resolve_reviewcase"


class CaseTaken(DomainError):
    """Somebody else is on it."""

    code = "case_taken"
    title = "This case is taken"
    status = 409


class CaseResolved(DomainError):
    """It is ended."""

    code = "case_resolved"
    title = "This case is resolved"
    status = 409


def open_case(
    *, kind: CaseKind, player_id: UUID | None, facts: Mapping[str, Any], key: str, actor: Actor, at: datetime
) -> CaseDetails:
    """Ask for a person's eye. The same ``key`` of a kind opens one case, however often it is called: it comes back as it is.

    ``facts`` are plain values, with nothing personal but ids.
    """
    case, opened = ReviewCase.objects.get_or_create(
        kind=kind,
        key=key,
        defaults={
            "player_id": player_id,
            "facts": dict(facts),
            "opened_by": str(actor),
            "opened_at": at,
            "due_at": at + SLA.get(kind, DEFAULT_SLA),
        },
    )
    if opened:
        _record("open", case, "", actor, at)
    return details(case)


def claim_case(*, case_id: UUID, actor: Actor, at: datetime) -> CaseDetails:
    """Take a case, so that nobody else works on it. Raises: AccessDenied, NotFound, CaseTaken, CaseResolved."""
    require(actor, RESOLVE)
    with transaction.atomic():
        case = _lock(case_id)
        if case.claimed_by and case.claimed_by != str(actor):
            raise CaseTaken("Somebody else is on it: ask them to give it back.", claimed_by=case.claimed_by)
        case.state, case.claimed_by, case.claimed_at = CaseState.CLAIMED, str(actor), at
        case.save(update_fields=["state", "claimed_by", "claimed_at"])
        _record("claim", case, "", actor, at)
    return details(case)


def release_case(*, case_id: UUID, actor: Actor, at: datetime) -> CaseDetails:
    """Give a case back to the queue. Raises: AccessDenied, NotFound, CaseResolved."""
    require(actor, RESOLVE)
    with transaction.atomic():
        case = _lock(case_id)
        case.state, case.claimed_by, case.claimed_at = CaseState.OPEN, "", None
        case.save(update_fields=["state", "claimed_by", "claimed_at"])
        _record("release", case, "", actor, at)
    return details(case)


def resolve_case(*, case_id: UUID, outcome: str, comment: str, actor: Actor, at: datetime) -> CaseDetails:
    """End a case with what came of it. Raises: AccessDenied, FieldErrors, NotFound, CaseTaken, CaseResolved."""
    require(actor, RESOLVE)
    if not outcome.strip() or not comment.strip():
        raise FieldErrors({"comment": ["Say what came of it, and why, in a few words."]})
    with transaction.atomic():
        case = _lock(case_id)
        if case.claimed_by and case.claimed_by != str(actor):
            raise CaseTaken("Somebody else is on it: ask them to give it back.", claimed_by=case.claimed_by)
        case.state, case.resolved_by, case.resolved_at = CaseState.RESOLVED, str(actor), at
        case.outcome, case.comment = outcome.strip(), comment.strip()
        case.save(update_fields=["state", "resolved_by", "resolved_at", "outcome", "comment"])
        _record("resolve", case, comment, actor, at)
    return details(case)


def _lock(case_id: UUID) -> ReviewCase:
    get_case(case_id)
    case = ReviewCase.objects.select_for_update().get(id=case_id)
    if case.state == CaseState.RESOLVED:
        raise CaseResolved("It was resolved before: what came of it stays.")
    return case


def _record(deed: str, case: ReviewCase, reason: str, actor: Actor, at: datetime) -> None:
    record(
        action=f"compliance.{deed}_case",
        actor=actor,
        at=at,
        player_id=case.player_id,
        object_type="compliance.reviewcase",
        object_id=str(case.id),
        reason=reason,
        after={"kind": case.kind, "state": case.state, "outcome": case.outcome},
    )
