"""Review cases: opened by anything that wants a person's eye, claimed by one person, ended with an outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from compliance.models_cases import ReviewCase
from compliance.selectors_cases import details, get_case
from compliance.types_cases import DEFAULT_SLA, SLA, CaseDetails, CaseKind, CaseState
from events.audit import record
from events.catalogue.base import Event
from events.catalogue.compliance import ReviewCaseClaimed, ReviewCaseOpened, ReviewCaseResolved
from events.services.log import holding, publish
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

    ``facts`` are plain values, with nothing personal but ids. Publishes ReviewCaseOpened.
    """
    with holding(*filter(None, [player_id])):
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
            _tell(ReviewCaseOpened, case, at, opened_by=case.opened_by, due_at=case.due_at)
    return details(case)


def claim_case(*, case_id: UUID, actor: Actor, at: datetime) -> CaseDetails:
    """Take a case, so that nobody else works on it. Publishes ReviewCaseClaimed.

    Raises: AccessDenied, NotFound, CaseTaken, CaseResolved.
    """
    require(actor, RESOLVE)
    with _held(case_id) as case:
        if case.claimed_by and case.claimed_by != str(actor):
            raise CaseTaken("Somebody else is on it: ask them to give it back.", claimed_by=case.claimed_by)
        case.state, case.claimed_by, case.claimed_at = CaseState.CLAIMED, str(actor), at
        case.save(update_fields=["state", "claimed_by", "claimed_at"])
        _record("claim", case, "", actor, at)
        _tell(ReviewCaseClaimed, case, at, claimed_by=case.claimed_by)
    return details(case)


def release_case(*, case_id: UUID, actor: Actor, at: datetime) -> CaseDetails:
    """Give a case back to the queue. Publishes ReviewCaseClaimed. Raises: AccessDenied, NotFound, CaseResolved."""
    require(actor, RESOLVE)
    with _held(case_id) as case:
        case.state, case.claimed_by, case.claimed_at = CaseState.OPEN, "", None
        case.save(update_fields=["state", "claimed_by", "claimed_at"])
        _record("release", case, "", actor, at)
        _tell(ReviewCaseClaimed, case, at, claimed_by="")
    return details(case)


def resolve_case(*, case_id: UUID, outcome: str, comment: str, actor: Actor, at: datetime) -> CaseDetails:
    """End a case with what came of it. Publishes ReviewCaseResolved.

    Raises: AccessDenied, FieldErrors, NotFound, CaseTaken, CaseResolved.
    """
    require(actor, RESOLVE)
    if not outcome.strip() or not comment.strip():
        raise FieldErrors({"comment": ["Say what came of it, and why, in a few words."]})
    with _held(case_id) as case:
        if case.claimed_by and case.claimed_by != str(actor):
            raise CaseTaken("Somebody else is on it: ask them to give it back.", claimed_by=case.claimed_by)
        case.state, case.resolved_by, case.resolved_at = CaseState.RESOLVED, str(actor), at
        case.outcome, case.comment = outcome.strip(), comment.strip()
        case.save(update_fields=["state", "resolved_by", "resolved_at", "outcome", "comment"])
        _record("resolve", case, comment, actor, at)
        late = at > case.due_at
        _tell(ReviewCaseResolved, case, at, outcome=case.outcome, resolved_by=case.resolved_by, late=late)
    return details(case)


@contextmanager
def _held(case_id: UUID) -> Iterator[ReviewCase]:
    """A case that is not resolved, in a transaction that holds its player."""
    player_id = get_case(case_id).player_id
    with holding(*filter(None, [player_id])):
        case = ReviewCase.objects.select_for_update().get(id=case_id)
        if case.state == CaseState.RESOLVED:
            raise CaseResolved("It was resolved before: what came of it stays.")
        yield case


def _tell(event: Callable[..., Event], case: ReviewCase, at: datetime, **more: Any) -> None:
    publish(event(player_id=case.player_id, occurred_at=at, case_id=case.id, kind=case.kind, **more))


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
