"""Redemptions: points are set aside, then written off as the bonus is granted; or they come back.

held → granted | rejected | expired | refused. All of a step happens, or nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from bonuses.selectors import UnknownOffer, get_offer
from bonuses.services.eligibility import NotEligible
from bonuses.services.grants import grant
from events.audit import record
from events.catalogue.loyalty import PointsHeld, PointsRedeemed, PointsReleased
from events.services.log import holding, publish
from kernel.access import require
from kernel.actors import Actor, ActorKind, system
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict, NotFound
from kernel.idempotency import digest_of
from kernel.ids import uuid7
from kernel.money import Money
from kernel.pan import refuse_pans
from loyalty.models import Redemption
from loyalty.selectors import get_standing, redemption_details
from loyalty.selectors_programme import get_rule
from loyalty.services.points import move
from loyalty.types import EntryKind, RedemptionDetails, RedemptionState
from loyalty.types_programme import ItemRule
from players.selectors import get_player
from players.types import PlayerDetails

REDEEM, DECIDE = "loyalty.redeem_points", "loyalty.decide_redemptions"


class UnknownRedemption(NotFound):
    """There is no such redemption."""


class RedemptionDecided(DomainError):
    """Somebody has decided on it, or its time ran out."""

    code = "redemption_decided"
    title = "The redemption is decided already"
    status = 409


def request_redemption(
    *, player_id: UUID, item: str, steps: int, idempotency_key: str, actor: Actor, at: datetime
) -> RedemptionDetails:
    """Set the points of so many steps aside, and grant the bonus at once; or let it wait for staff, as the item says.

    The same key and content gives the same redemption again. Where the bonus is refused, the points are back and ``why``
    says what stands against it. Publishes PointsHeld, then PointsRedeemed or PointsReleased. Raises: AccessDenied,
    UnknownPlayer, FieldErrors, NotEnoughPoints, IdempotencyConflict.
    """
    if actor.kind is ActorKind.STAFF:
        require(actor, REDEEM, player_id, at)
    if not 0 < len(idempotency_key) <= 150 or not idempotency_key.isprintable():
        raise FieldErrors({"idempotency_key": ["Use 1 to 150 printable characters."]})
    key = f"{actor}:{idempotency_key}"
    digest = digest_of({"player": player_id, "item": item, "steps": steps})
    with holding(player_id):
        player = get_player(player_id)
        known = Redemption.objects.filter(key=key).first()
        if known:
            if bytes(known.digest) != digest:
                raise IdempotencyConflict("This idempotency key was used for another redemption.")
            return redemption_details(known)
        row = _hold(player, item, steps, key, digest, actor, at)
        if row.decide_until is None:
            _grant(row, str(actor), at)
    return redemption_details(row)


def confirm(*, redemption_id: UUID, actor: Actor, at: datetime) -> RedemptionDetails:
    """Grant the bonus, and write the points off; granted already: stays so. Where it is refused, the points are back.

    Publishes PointsRedeemed or PointsReleased. Raises: AccessDenied, UnknownRedemption, RedemptionDecided.
    """
    player_id = _player_of(redemption_id)
    _need(actor, player_id, at)
    with holding(player_id):
        row = Redemption.objects.select_for_update().get(id=redemption_id)
        if row.state == RedemptionState.GRANTED:
            return redemption_details(row)
        _check_open(row, at)
        _grant(row, str(actor), at)
        _record("loyalty.confirm_redemption", row, actor, at, "")
    return redemption_details(row)


def reject(*, redemption_id: UUID, reason: str, actor: Actor, at: datetime) -> RedemptionDetails:
    """Give the points back; rejected already: stays so. Publishes PointsReleased.

    Raises: AccessDenied, UnknownRedemption, RedemptionDecided, FieldErrors.
    """
    player_id = _player_of(redemption_id)
    _need(actor, player_id, at)
    if not reason.strip() or len(reason) > 300:
        raise FieldErrors({"reason": ["Say why, in at most 300 characters."]})
    refuse_pans(reason=reason)
    with holding(player_id):
        row = Redemption.objects.select_for_update().get(id=redemption_id)
        if row.state == RedemptionState.REJECTED:
            return redemption_details(row)
        _check_open(row, at)
        row.note = reason.strip()
        _release(row, RedemptionState.REJECTED, "rejected", str(actor), at)
        _record("loyalty.reject_redemption", row, actor, at, reason)
    return redemption_details(row)


def expire_held(*, at: datetime, limit: int = 1_000) -> int:
    """Give back the points of redemptions that nobody decided in time; how many. Publishes PointsReleased."""
    due = Redemption.objects.filter(state=RedemptionState.HELD, decide_until__lte=at).order_by("decide_until")
    ended = 0
    for redemption_id, player_id in list(due.values_list("id", "player_id")[:limit]):
        with holding(player_id):
            row = Redemption.objects.select_for_update().get(id=redemption_id)
            if row.state == RedemptionState.HELD:
                _release(row, RedemptionState.EXPIRED, "expired", str(system("loyalty")), at)
                ended += 1
    return ended


# --- steps --------------------------------------------------------------------------------------------------------


def _hold(
    player: PlayerDetails, item: str, steps: int, key: str, digest: bytes, actor: Actor, at: datetime
) -> Redemption:
    standing = get_standing(player.id, at)
    rule = get_rule(standing.programme, at)
    found = next((row for row in rule.items if row.code == item), None)
    if found is None or (found.levels and standing.level.code not in found.levels):
        raise FieldErrors({"item": ["There is no such item for this player."]})
    if not found.min_steps <= steps <= found.max_steps:
        raise FieldErrors({"steps": [f"Give {found.min_steps:,} to {found.max_steps:,} steps."]})
    worth = _worth(found, player.currency, steps)
    points = steps * found.points
    waits = found.approve_from_points is not None and points >= found.approve_from_points
    row = Redemption(
        id=uuid7(),
        player_id=player.id,
        programme=standing.programme,
        item=item,
        offer=found.offer,
        steps=steps,
        points=points,
        currency=player.currency,
        worth_minor=worth.amount_minor if worth else 0,
        state=RedemptionState.HELD,
        key=key,
        digest=digest,
        requested_by=str(actor),
        requested_at=at,
        decide_until=at + timedelta(hours=rule.hold_hours) if waits else None,
    )
    entry = move(
        player.id,
        EntryKind.HOLD,
        -points,
        held=points,
        key=f"hold:{row.id}",
        reference=str(row.id),
        actor=actor,
        at=at,
        active=True,
    )
    row.save(force_insert=True)
    publish(
        PointsHeld(
            player_id=player.id,
            occurred_at=at,
            redemption_id=row.id,
            item=item,
            points=points,
            balance=entry.balance_after,
        )
    )
    return row


def _worth(item: ItemRule, currency: str, steps: int) -> Money | None:
    """What the steps are worth; None for free spins. Raises: FieldErrors."""
    try:
        award = get_offer(item.offer).rule.award
    except UnknownOffer:
        raise FieldErrors({"item": ["What it gives is not on offer now."]}) from None
    if not item.value:
        return None
    if currency not in item.value:
        raise FieldErrors({"item": [f"It is not given in {currency}."]})
    worth = Money.parse(f"{item.value[currency] * steps:f}", currency)
    cap = award.cap.get(currency)
    if cap is not None and worth.major > cap:
        raise FieldErrors({"steps": [f"At most {cap:f} {currency} at once."]})
    return worth


def _grant(row: Redemption, by: str, at: datetime) -> None:
    """Grant the bonus and write the points off, or give them back with what stands against it."""
    worth = Money(row.worth_minor, row.currency) if row.worth_minor else None
    try:
        given = grant(
            offer=row.offer,
            player_id=row.player_id,
            occasion=f"redemption:{row.id}",
            base=worth,
            actor=system("loyalty"),
            at=at,
        )
    except (NotEligible, UnknownOffer) as refused:
        reasons = refused.reasons if isinstance(refused, NotEligible) else ()
        row.why = ", ".join(reason.code for reason in reasons)[:200] or "offer_not_live"
        _release(row, RedemptionState.REFUSED, "refused", by, at)
        return
    entry = move(
        row.player_id,
        EntryKind.REDEMPTION,
        0,
        held=-row.points,
        key=f"redeemed:{row.id}",
        reference=str(row.id),
        actor=system("loyalty"),
        at=at,
    )
    row.state, row.grant_id, row.decided_by, row.decided_at = RedemptionState.GRANTED, given.id, by, at
    row.save()
    publish(
        PointsRedeemed(
            player_id=row.player_id,
            occurred_at=at,
            redemption_id=row.id,
            grant_id=given.id,
            item=row.item,
            points=row.points,
            balance=entry.balance_after,
        )
    )


def _release(row: Redemption, state: RedemptionState, reason: str, by: str, at: datetime) -> None:
    entry = move(
        row.player_id,
        EntryKind.RELEASE,
        row.points,
        held=-row.points,
        key=f"released:{row.id}",
        reference=str(row.id),
        actor=system("loyalty"),
        at=at,
    )
    row.state, row.decided_by, row.decided_at = state, by, at
    row.save()
    publish(
        PointsReleased(
            player_id=row.player_id,
            occurred_at=at,
            redemption_id=row.id,
            points=row.points,
            balance=entry.balance_after,
            reason=reason,
        )
    )


def _check_open(row: Redemption, at: datetime) -> None:
    if row.state != RedemptionState.HELD or (row.decide_until and at >= row.decide_until):
        raise RedemptionDecided(f"It is {row.state}." if row.state != RedemptionState.HELD else "Its time is over.")


def _player_of(redemption_id: UUID) -> UUID:
    player_id = Redemption.objects.filter(id=redemption_id).values_list("player_id", flat=True).first()
    if player_id is None:
        raise UnknownRedemption("There is no such redemption.")
    return player_id


def _need(actor: Actor, player_id: UUID, at: datetime) -> None:
    if actor.kind is not ActorKind.CLIENT:  # a client's scope was asked for at the border
        require(actor, DECIDE, player_id, at)


def _record(action: str, row: Redemption, actor: Actor, at: datetime, reason: str) -> None:
    record(
        action=action,
        actor=actor,
        at=at,
        player_id=row.player_id,
        object_type="loyalty.redemption",
        object_id=str(row.id),
        reason=reason.strip(),
        after={"state": row.state, "points": str(row.points)},
    )
