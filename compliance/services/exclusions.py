"""Exclusions begin here, whoever asks for them: at once, and with everything that they stop."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from compliance.models_exclusions import Exclusion
from compliance.ports_exclusion import list_excluded_plays
from compliance.rules_exclusion import (
    INDEFINITE,
    Course,
    ExclusionTerms,
    TermRefused,
    check_term,
    course_of,
    offers_of,
    terms_of,
)
from compliance.selectors_exclusions import get_exclusion
from compliance.selectors_packs import get_pack_of
from compliance.types_exclusion import ExclusionDetails, ExclusionKind, Offer
from events.audit import record
from events.catalogue.compliance_exclusion import PlayerExcluded
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.errors import FieldErrors
from kernel.idempotency import digest_of, find_result, remember
from kernel.ids import uuid7
from players.selectors_identity import list_consents
from players.services.consents import change_consents
from players.services.restrictions import impose
from players.services.sessions import end_all
from players.types import RestrictionKind
from players.types_identity import EndReason

SOURCE = "compliance:exclusion"  # of the restrictions that carry exclusions out
SHORT = frozenset({ExclusionKind.PANIC, ExclusionKind.COOLING_OFF})
BY_OTHERS = frozenset({ExclusionKind.THIRD_PARTY, ExclusionKind.OPERATOR})


def list_offers(player_id: UUID, at: datetime) -> list[Offer]:
    """What the player's pack lets them, or others, choose now."""
    return list(offers_of(terms_of(get_pack_of(player_id, at))).values())


def exclude(
    *,
    player_id: UUID,
    kind: ExclusionKind,
    term: str = "",
    reason: str = "",
    ground: str = "",
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> ExclusionDetails:
    """Keep a player from playing from ``at`` on, for ``term`` ("6mo"; "": the pack's usual length, or the only one).

    In this one transaction: play, deposits, bonuses and marketing are stopped, every session ends, consents to marketing
    are taken back where the exclusion is a long one, admissions to games end, and open bets are given back where the pack
    says so. Withdrawing stays possible. Several exclusions may stand beside each other; none shortens another.

    The same key and content gives the first one. Publishes PlayerExcluded. Raises: UnknownPlayer, FieldErrors.
    """
    if kind is ExclusionKind.REGISTER:
        raise FieldErrors({"kind": ["Registers list people; ask the register."]})
    if kind in BY_OTHERS and not reason.strip():
        raise FieldErrors({"reason": ["Say who asked for it and on what ground, or why the operator decided so."]})
    pack = get_pack_of(player_id, at)
    terms = terms_of(pack)
    offer = offers_of(terms)[kind]
    term = term or offer.usual or (offer.terms[0] if len(offer.terms) == 1 else "")
    early = terms.early_end and kind is ExclusionKind.SELF
    try:
        if not term:
            raise TermRefused(f"Choose one of: {', '.join(offer.terms)}.")
        check_term(offer, term, at, terms.zone)
        course = course_of(offer, term, at, terms.zone, early_end=early)
    except TermRefused as error:
        raise FieldErrors({"term": [str(error)]}) from None
    scope = f"compliance.exclude:{actor}"
    digest = digest_of({"player": player_id, "kind": kind, "term": term, "reason": reason, "ground": ground})
    known = find_result(scope, idempotency_key, digest)
    if known:
        return get_exclusion(UUID(known))
    with holding(player_id):
        known = find_result(scope, idempotency_key, digest)  # a twin may have come first
        if known:
            return get_exclusion(UUID(known))
        row = Exclusion(
            id=uuid7(),
            player_id=player_id,
            kind=kind,
            term=term,
            reason=reason,
            ground=ground,
            pack=pack.label,
            imposed_by=str(actor),
            close_due_at=close_due(terms, kind, term, at),
        )
        begin(row, course, return_bets=terms.refunds_open_bets, actor=actor, at=at)
        remember(scope, idempotency_key, digest, str(row.id), at)
    return get_exclusion(row.id)


def begin(row: Exclusion, course: Course, *, return_bets: bool, actor: Actor, at: datetime) -> None:
    """Put an exclusion into force, with all its effects. The caller holds the player."""
    player_id, kind = row.player_id, ExclusionKind(row.kind)
    row.active_from, row.active_until, row.minimum_until = at, course.active_until, course.minimum_until
    row.restriction_id = impose(
        player_id=player_id,
        kind=RestrictionKind.COOLING_OFF if kind in SHORT else RestrictionKind.SELF_EXCLUDED,
        reason=f"{kind.replace('_', ' ').capitalize()}, {row.term or 'as the register says'}. {row.reason}".strip(),
        source=SOURCE,
        active_until=course.active_until,
        actor=actor,
        at=at,
    )
    end_all(player_id=player_id, reason=EndReason.RESTRICTED, at=at)
    if kind not in SHORT:
        _take_back_consents(player_id, at)
    closings = [
        play.close_play(player_id, return_bets=return_bets, actor=actor, at=at) for play in list_excluded_plays()
    ]
    row.save(force_insert=True)
    publish(
        PlayerExcluded(
            player_id=player_id,
            occurred_at=at,
            exclusion_id=row.id,
            kind=kind,
            term=row.term,
            active_until=course.active_until,
            bets_returned=sum(closing.bets_returned for closing in closings),
        )
    )
    record(
        action="compliance.exclude_player",
        actor=actor,
        at=at,
        player_id=player_id,
        object_type="compliance.exclusion",
        object_id=str(row.id),
        reason=row.reason,
        after={"kind": kind, "term": row.term, "pack": row.pack, "ground": row.ground},
    )


def close_due(terms: ExclusionTerms, kind: ExclusionKind, term: str, at: datetime) -> datetime | None:
    """By when an excluded player's account must be closed and paid out; None where the pack does not ask for that."""
    if kind in SHORT:
        return None
    if terms.close_hours:
        return at + timedelta(hours=terms.close_hours)
    return at + timedelta(days=1) if terms.closes_permanent and term == INDEFINITE else None


def _take_back_consents(player_id: UUID, at: datetime) -> None:
    """Whoever comes back is asked anew before they are written to."""
    for row in list_consents(player_id):
        if row.granted:
            change_consents(
                player_id=player_id,
                answers={(row.product, row.channel): False},
                text_version=row.text_version,
                source="exclusion",
                at=at,
            )
