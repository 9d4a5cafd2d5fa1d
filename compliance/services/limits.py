"""Limits: set and lowered at once; what would leave a player more room waits (limit_changes) or needs approval."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from compliance.rules_limit_terms import LimitTerms
from compliance.rules_limits import is_tighter_or_equal
from compliance.selectors_limits import get_terms
from compliance.services import limit_changes
from compliance.services.limit_rows import check_wanted, find_own, measure_of, put
from compliance.types_limits import LimitOutcome, SetBy, Wanted
from events.services.log import holding
from kernel.access import Subject, require
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError, FieldErrors
from players.selectors import get_player

SET, SCOPE = "compliance.set_limit", "compliance:write"


class LoosensLimit(DomainError):
    """A limit of staff or of a regulator is raised or lifted by approval only."""

    code = "loosens_limit"
    title = "This would leave the player more room"
    status = 409


def set_limit(
    *,
    player_id: UUID,
    wanted: Wanted,
    actor: Actor,
    at: datetime,
    set_by: SetBy = SetBy.PLAYER,
    reason: str = "",
) -> LimitOutcome:
    """Set, lower, raise or lift (``wanted`` without amount and minutes) one limit.

    A first or lower limit is in force when this returns, and ends a raise of the same limit that waits. A player's raise
    or removal becomes a change that waits (``limit_changes``); asked for again it is the same one. Limits of staff and
    regulators need the permission ``compliance.set_limit`` and a reason, and never get looser here.
    Publishes LimitChanged, LimitRaiseRequested, LimitRaiseEnded. Raises: UnknownPlayer, FieldErrors, AccessDenied,
    LoosensLimit.
    """
    player = get_player(player_id)
    if set_by is not SetBy.PLAYER:
        permission = SCOPE if actor.kind is ActorKind.CLIENT else SET
        require(actor, permission, Subject(player_id=player_id, amount=wanted.amount), at)
        if not reason.strip():
            raise FieldErrors({"reason": ["Say why, or which order asks for it."]})
    terms = get_terms(player, at)
    check_wanted(player, wanted, terms, set_by, at)
    with holding(player_id):
        own = find_own(player_id, wanted.kind, wanted.period, set_by)
        measure = measure_of(own)
        looser = not is_tighter_or_equal(wanted.measure, measure)
        if set_by is not SetBy.PLAYER:
            if looser:
                raise LoosensLimit("It is in force: ask for its relief, which a second person approves.")
            return LimitOutcome(limit=put(player, wanted, set_by, reason, actor, at))
        needs_contact = _needs_contact(wanted, measure, terms)
        if looser or needs_contact:
            change = limit_changes.request(
                player, wanted, terms, needs_contact=needs_contact, first=own is None, actor=actor, at=at
            )
            return LimitOutcome(change=change)
        limit_changes.cancel_open(player_id, wanted.kind, wanted.period, "A lower limit was set.", actor, at)
        if wanted.measure is None:
            return LimitOutcome()
        limit = put(player, wanted, set_by, reason, actor, at)
    return LimitOutcome(limit=limit)


def _needs_contact(wanted: Wanted, measure: int | None, terms: LimitTerms) -> bool:
    """Whether somebody has to talk to the player first: for a limit above the threshold that is new, or higher."""
    threshold = terms.contact_before.get((wanted.kind, wanted.period))
    if threshold is None or is_tighter_or_equal(wanted.measure, threshold):
        return False
    return measure is None or not is_tighter_or_equal(wanted.measure, measure)
