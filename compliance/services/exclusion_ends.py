"""Exclusions end here: by their time, by a request that was heard, or because a register lists the person no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from compliance.models_exclusions import EndRequest, Exclusion
from compliance.rules_exclusion import ExclusionTerms, effect_of_request, terms_of
from compliance.selectors_exclusions import exclusion_details, get_end_request
from compliance.selectors_packs import get_pack_of
from compliance.services.exclusions import BY_OTHERS, SHORT, SOURCE
from compliance.types_exclusion import EndRequestDetails, EndRequestState, ExclusionKind
from events.audit import record
from events.catalogue.compliance_exclusion import ExclusionEndDecided, ExclusionEnded, ExclusionEndRequested
from events.services.log import holding, publish
from kernel.actors import Actor, system
from kernel.errors import DomainError, FieldErrors, NotFound
from players.services.restrictions import lift

BATCH = 500
HOUSE_ANSWER_DAYS = 7  # where a person decides and the pack does not say by when


class ExclusionBinds(DomainError):
    """The exclusion can't be ended yet."""

    code = "exclusion_binds"
    title = "This exclusion can't be ended yet"
    status = 409


class ExclusionOver(DomainError):
    """The exclusion is not in force any more."""

    code = "exclusion_over"
    title = "This exclusion is over"
    status = 409


class RequestDecided(DomainError):
    """The request was decided before."""

    code = "request_decided"
    title = "This request was decided before"
    status = 409


def request_end(*, exclusion_id: UUID, reason: str, actor: Actor, at: datetime) -> EndRequestDetails:
    """Ask to end an exclusion. Where the pack only makes people wait, it is accepted at once; else a person decides.

    While one is open or accepted, asking again gives that one. Publishes ExclusionEndRequested, and ExclusionEndDecided
    where nobody has to decide. Raises: NotFound, FieldErrors, ExclusionOver, ExclusionBinds.
    """
    found = _get(exclusion_id)
    terms = terms_of(get_pack_of(found.player_id, at))
    if terms.needs_reason and not reason.strip():
        raise FieldErrors({"reason": ["Say why the exclusion should end; it is part of what is decided."]})
    with holding(found.player_id):
        row = _get(exclusion_id)
        _check_may_end(row, at)
        known = EndRequest.objects.filter(
            exclusion=row, state__in=(EndRequestState.OPEN, EndRequestState.ACCEPTED)
        ).first()
        if known:
            return get_end_request(known.id)
        reviewed = terms.reviewed or row.kind in BY_OTHERS
        days = terms.answer_days or HOUSE_ANSWER_DAYS
        request = EndRequest.objects.create(
            exclusion=row,
            player_id=row.player_id,
            reason=reason,
            requested_by=str(actor),
            requested_at=at,
            due_at=at + timedelta(days=days) if reviewed else None,
        )
        publish(
            ExclusionEndRequested(
                player_id=row.player_id,
                occurred_at=at,
                exclusion_id=row.id,
                request_id=request.id,
                due_at=request.due_at,
            )
        )
        _record("request_exclusion_end", request, actor, at, reason)
        if not reviewed:
            _decide(request, row, terms, accept=True, comment="", actor=system("pack"), at=at)
    return get_end_request(request.id)


def decide_end(*, request_id: UUID, accept: bool, comment: str, actor: Actor, at: datetime) -> EndRequestDetails:
    """Accept or refuse, with a comment. Accepted, the exclusion ends after the pack's waiting time, not at once.

    Publishes ExclusionEndDecided. Raises: NotFound, FieldErrors, RequestDecided, ExclusionOver.
    """
    if not comment.strip():
        raise FieldErrors({"comment": ["Say why: the player may ask, and a regulator will."]})
    found = get_end_request(request_id)
    terms = terms_of(get_pack_of(found.player_id, at))
    with holding(found.player_id):
        request = EndRequest.objects.select_related("exclusion").get(id=request_id)
        if request.state != EndRequestState.OPEN:
            raise RequestDecided(f"It was {request.state} before.")
        if not exclusion_details(request.exclusion).stands(at):
            raise ExclusionOver("The exclusion is over; there is nothing to decide.")
        _decide(request, request.exclusion, terms, accept=accept, comment=comment, actor=actor, at=at)
    return get_end_request(request_id)


def end_due(*, actor: Actor, at: datetime) -> int:
    """End what is over: exclusions past their time, and those whose accepted request takes effect; how many.

    Each in a transaction of its own. Publishes ExclusionEnded. An exclusion with an end stops nothing from then on, whether
    or not this has run.
    """
    expired = Exclusion.objects.filter(ended_at=None, active_until__lte=at).order_by("active_until")
    asked = EndRequest.objects.filter(state=EndRequestState.ACCEPTED, done_at=None, takes_effect_at__lte=at)
    ended = 0
    for row in list(expired[:BATCH]):
        ended += _expire(row.id, actor, at)
    for request in list(asked.order_by("takes_effect_at")[:BATCH]):
        ended += _end_by_request(request.id, actor, at)
    return ended


def end_now(row: Exclusion, *, how: str, reason: str, actor: Actor, at: datetime) -> None:
    """Take an exclusion out of force. The caller holds the player and has seen that it stands."""
    if row.active_until is None or row.active_until > at:
        lift(restriction_id=row.restriction_id, reason=reason, owner=SOURCE, actor=actor, at=at)
    row.ended_at, row.ended_by, row.end_reason = at, str(actor), reason
    row.save(update_fields=["ended_at", "ended_by", "end_reason"])
    publish(ExclusionEnded(player_id=row.player_id, occurred_at=at, exclusion_id=row.id, kind=row.kind, how=how))
    record(
        action="compliance.end_exclusion",
        actor=actor,
        at=at,
        player_id=row.player_id,
        object_type="compliance.exclusion",
        object_id=str(row.id),
        reason=reason,
        after={"how": how},
    )


def _check_may_end(row: Exclusion, at: datetime) -> None:
    if not exclusion_details(row).stands(at):
        raise ExclusionOver("It is not in force any more.")
    if row.kind == ExclusionKind.REGISTER:
        raise ExclusionBinds(f"It ends when {row.register} lists the person no more; ask there.")
    if row.kind in SHORT:
        raise ExclusionBinds("A break ends by itself, not before its time.", may_ask_from=None)
    if row.minimum_until and at < row.minimum_until:
        raise ExclusionBinds(
            f"Ask again from {row.minimum_until:%d %B %Y, %H:%M} UTC on.", may_ask_from=row.minimum_until.isoformat()
        )


def _decide(
    request: EndRequest,
    row: Exclusion,
    terms: ExclusionTerms,
    *,
    accept: bool,
    comment: str,
    actor: Actor,
    at: datetime,
) -> None:
    request.state = EndRequestState.ACCEPTED if accept else EndRequestState.REFUSED
    request.decided_by, request.decided_at, request.comment = str(actor), at, comment
    if accept:
        indefinite = row.term == "indefinite"
        request.takes_effect_at = effect_of_request(terms, indefinite=indefinite, accepted_at=at)
    request.save(update_fields=["state", "decided_by", "decided_at", "comment", "takes_effect_at"])
    publish(
        ExclusionEndDecided(
            player_id=row.player_id,
            occurred_at=at,
            exclusion_id=row.id,
            request_id=request.id,
            state=request.state,
            takes_effect_at=request.takes_effect_at,
        )
    )
    _record("decide_exclusion_end", request, actor, at, comment)


def _expire(exclusion_id: UUID, actor: Actor, at: datetime) -> bool:
    found = _get(exclusion_id)
    with holding(found.player_id):
        row = _get(exclusion_id)
        if row.ended_at is not None:
            return False
        end_now(row, how="expired", reason="Its time is over.", actor=actor, at=at)
    return True


def _end_by_request(request_id: UUID, actor: Actor, at: datetime) -> bool:
    found = get_end_request(request_id)
    with holding(found.player_id):
        request = EndRequest.objects.select_related("exclusion").get(id=request_id)
        if request.done_at is not None:
            return False
        row = request.exclusion
        request.done_at = at
        request.save(update_fields=["done_at"])
        if row.ended_at is not None:
            return False
        end_now(row, how="requested", reason=f"Asked for by {request.requested_by}.", actor=actor, at=at)
    return True


def _get(exclusion_id: UUID) -> Exclusion:
    row = Exclusion.objects.filter(id=exclusion_id).first()
    if row is None:
        raise NotFound(f"There is no exclusion {exclusion_id}.")
    return row


def _record(deed: str, request: EndRequest, actor: Actor, at: datetime, reason: str) -> None:
    record(
        action=f"compliance.{deed}",
        actor=actor,
        at=at,
        player_id=request.player_id,
        object_type="compliance.endrequest",
        object_id=str(request.id),
        reason=reason,
        after={"state": request.state},
    )
