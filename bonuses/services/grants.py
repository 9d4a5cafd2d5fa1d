"""Grants: a bonus for one player and occasion, given exactly once, and every step until it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum

from bonuses import rules
from bonuses.models import Grant, Spend
from bonuses.selectors import get_grant, read_rule
from bonuses.services.eligibility import ANOTHER, Found, NotEligible, facts_of, find, is_wagering
from bonuses.services.handouts import note_end, note_spins
from bonuses.services.rights import need
from bonuses.types import OPEN_STATES, ForfeitedBy, GrantDetails, GrantState, Reason
from bonuses.types_offer import Claim, OfferRule, Stacking
from compliance.types_gate import BonusFacts
from events.audit import record
from events.catalogue.bonuses import (
    BonusExpired,
    BonusForfeited,
    BonusGranted,
    BonusOffered,
    BonusQueued,
    BonusRedeemed,
)
from events.services.log import holding, publish
from kernel.actors import Actor, ActorKind, system
from kernel.errors import DomainError, FieldErrors
from kernel.ids import uuid7
from kernel.money import Money
from kernel.pan import refuse_pans
from wallet.selectors import find_purse_balance
from wallet.services.free_spins import end_free_spins, grant_free_spins, winnings_purse_of
from wallet.services.incentives import find_denial
from wallet.services.purses import close_bonus_purse, open_bonus_purse
from wallet.types import GameCategory, PurseTerms
from wallet.types_purses import FreeSpinsTerms

GRANT, FORFEIT = "bonuses.grant_bonus", "bonuses.forfeit_bonus"
SOURCE = "pms:bonuses"


class GrantMoved(DomainError):
    """The bonus is in another state by now."""

    code = "grant_moved"
    title = "The bonus is not in a state for that"
    status = 409


class _Denied(Exception):
    """The gate says no once money was to move: what was begun is undone, and the reason told."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason


def grant(
    *, offer: str, player_id: UUID, occasion: str, base: Money | None = None, actor: Actor, at: datetime
) -> GrantDetails:
    """Give a player the offer's bonus for an ``occasion`` ("deposit:3"): once, however often it is asked.

    ``base`` is the deposit or net loss that the award is a part of. Depending on the offer it waits to be taken, waits
    for another bonus to end, or begins at once. Publishes BonusOffered, BonusQueued or BonusGranted (and BonusRedeemed
    where nothing has to be staked). Raises: AccessDenied, NotFound, FieldErrors, NotEligible.
    """
    need(actor, GRANT, player_id, at)
    _check_occasion(occasion)
    reasons: Sequence[Reason] = ()
    try:
        with holding(player_id):
            known = Grant.objects.filter(offer__code=offer, player_id=player_id, occasion=occasion).first()
            if known:
                return get_grant(known.id)
            found = find(offer=offer, player_id=player_id, base=base, at=at, lock=True)
            if not found.reasons:
                row = grant_of(found, occasion, base, actor, at)
                reasons = _gate(row, found.rule, actor, at)  # kept with the denial: not raised in here
                if not reasons:
                    row.save(force_insert=True)
                    _spend(row, at)
                    _begin(row, found.rule, actor, at)
                    if actor.kind in (ActorKind.STAFF, ActorKind.CLIENT):
                        _record("bonuses.grant_bonus", row, actor, at)
                    return get_grant(row.id)
            reasons = reasons or found.reasons
    except _Denied as denied:
        reasons = [denied.reason]
    raise NotEligible(reasons)


def claim(*, grant_id: UUID, actor: Actor, at: datetime) -> GrantDetails:
    """The player takes what is offered; taken already: stays so. Publishes as ``grant`` does.

    Raises: NotFound, GrantMoved, NotEligible.
    """
    reasons: Sequence[Reason] = ()
    try:
        with holding(get_grant(grant_id).player_id):
            row = _lock(grant_id)
            if row.state in (GrantState.ACTIVE, GrantState.QUEUED, GrantState.REDEEMED):
                return get_grant(grant_id)
            if row.state != GrantState.OFFERED or (row.claim_until and at >= row.claim_until):
                raise GrantMoved("It is not on offer any more.")
            rule = read_rule(row.version)
            blocked = _blocked(row, rule)
            reasons = [blocked] if blocked else _gate(row, rule, actor, at)
            if not reasons:
                _begin(row, rule, actor, at, claimed=True)
                return get_grant(grant_id)
    except _Denied as denied:
        reasons = [denied.reason]
    raise NotEligible(reasons)


def forfeit(*, grant_id: UUID, reason: str, actor: Actor, at: datetime) -> GrantDetails:
    """Give up a bonus (a player their own), or take it (staff, with a reason). What is in its purse is the house's.

    Ended already: stays as it is. Publishes BonusForfeited. Raises: AccessDenied, NotFound, FieldErrors.
    """
    details = get_grant(grant_id)
    by = ForfeitedBy.PLAYER
    if actor.kind is not ActorKind.PLAYER:
        need(actor, FORFEIT, details.player_id, at)
        by = ForfeitedBy.STAFF
        if not reason.strip():
            raise FieldErrors({"reason": ["Say in a few words why."]})
    refuse_pans(reason=reason)
    with holding(details.player_id):
        row = _lock(grant_id)
        if row.open:
            end_forfeited(row, by, at, actor=actor)
            if by is ForfeitedBy.STAFF:
                _record("bonuses.forfeit_bonus", row, actor, at, reason)
    return get_grant(grant_id)


def forfeit_all(*, player_id: UUID, by: ForfeitedBy, actor: Actor, at: datetime) -> int:
    """End everything open of a player, in the caller's transaction or one of its own; how many.

    Publishes BonusForfeited for each.
    """
    with holding(player_id):
        rows = Grant.objects.select_for_update().filter(player_id=player_id, state__in=OPEN_STATES)
        found = list(rows.order_by("-id"))  # what is queued first: nothing of it begins
        for row in found:
            end_forfeited(row, by, at, actor=actor, next_=False)
    return len(found)


def expire_offered(*, at: datetime, limit: int = 1_000) -> int:
    """End offers that were not taken in time; how many. Publishes BonusExpired."""
    due = Grant.objects.filter(state=GrantState.OFFERED, claim_until__lte=at).order_by("claim_until")
    ended = 0
    for grant_id, player_id in list(due.values_list("id", "player_id")[:limit]):
        with holding(player_id):
            row = _lock(grant_id)
            if row.state == GrantState.OFFERED:
                end_expired(row, Money.zero(row.currency), at)
                ended += 1
    return ended


def _check_occasion(occasion: str) -> None:
    if not occasion or len(occasion) > 200 or not occasion.isprintable():
        raise FieldErrors({"occasion": ["Name the occasion in 1 to 200 printable characters."]})
    refuse_pans(occasion=occasion)


# --- moving -------------------------------------------------------------------------------------------------------


def grant_of(found: Found, occasion: str, base: Money | None, actor: Actor, at: datetime) -> Grant:
    """The row of a grant, as it begins; nothing is written."""
    award, rule = found.award, found.rule
    return Grant(
        id=uuid7(),
        player_id=found.known.player.id,
        offer=found.offer,
        version=found.version,
        occasion=occasion,
        state=GrantState.OFFERED,
        kind=rule.award.kind,
        currency=found.known.player.currency,
        base_minor=base.amount_minor if base else 0,
        amount_minor=award.amount.amount_minor,
        spins=award.spins,
        spin_value_minor=award.spin_value.amount_minor,
        to_wager_minor=award.to_wager.amount_minor,
        wagers=rule.wagering.multiple > 0,
        cost_eur_minor=found.cost,
        household=found.known.household,
        granted_by=str(actor),
        granted_at=at,
    )


def _spend(row: Grant, at: datetime) -> None:
    day, _ = Spend.objects.get_or_create(offer_id=row.offer_id, day=at.date())
    Spend.objects.filter(id=day.id).update(
        grants=day.grants + 1, cost_eur_minor=day.cost_eur_minor + row.cost_eur_minor
    )


def _facts(row: Grant, rule: OfferRule) -> BonusFacts:
    worth = Money(row.amount_minor + row.spins * row.spin_value_minor, row.currency)
    earlier = Grant.objects.filter(offer_id=row.offer_id, player_id=row.player_id).exclude(id=row.id)
    sums = earlier.aggregate(money=Sum("amount_minor"))["money"] or 0
    return facts_of(rule, worth, Money(sums, row.currency))


def _gate(row: Grant, rule: OfferRule, actor: Actor, at: datetime) -> Sequence[Reason]:
    denied = find_denial(player_id=row.player_id, purse_id=row.id, facts=_facts(row, rule), actor=actor, at=at)
    return [compliance_says(denied.reason)] if denied else []


def compliance_says(code: str) -> Reason:
    """The gate's refusal, as a reason against a grant."""
    return Reason(code, f"Compliance refuses it: {code.replace('_', ' ')}.")


def _blocked(row: Grant, rule: OfferRule) -> Reason | None:
    exclusive = row.wagers and rule.stacking is Stacking.EXCLUSIVE
    return ANOTHER if exclusive and is_wagering(row.player_id) else None


def _begin(row: Grant, rule: OfferRule, actor: Actor, at: datetime, *, claimed: bool = False) -> None:
    """On to the next state: offered, queued or active."""
    said = about(row, at) | {"version": row.version.number, "occasion": row.occasion}
    if rule.claim is Claim.PLAYER and not claimed:
        row.state, row.claim_until = GrantState.OFFERED, at + timedelta(days=rule.claim_days)
        row.save()
        publish(BonusOffered(**said, claim_until=row.claim_until))
    elif row.wagers and is_wagering(row.player_id):
        row.state = GrantState.QUEUED
        row.save()
        publish(BonusQueued(**said))
    else:
        _activate(row, rule, actor, at)


def _activate(row: Grant, rule: OfferRule, actor: Actor, at: datetime) -> None:
    """Open the purse, or hand out the spins; the gate has let it pass. Raises: _Denied."""
    wagering, award = rule.wagering, rule.award
    row.state, row.activated_at = GrantState.ACTIVE, at
    spins_end = at + timedelta(days=award.spin_days) if row.spins else at
    row.expires_at = spins_end + timedelta(days=wagering.days) if row.wagers else spins_end if row.spins else None
    terms = PurseTerms(
        stake_cap=rules.amount_in(wagering.max_stake, row.currency),
        game_categories=tuple(GameCategory(name) for name in wagering.game_categories),
        active_until=row.expires_at,
    )
    frame: dict[str, Any] = {"gate_asked": True, "source": SOURCE, "actor": actor, "at": at}
    if row.spins:
        purse_id, posting = grant_free_spins(
            player_id=row.player_id,
            terms=FreeSpinsTerms(
                count=row.spins,
                value=Money(row.spin_value_minor, row.currency),
                games=tuple(award.games),
                active_until=spins_end,
                winnings=terms if row.wagers else None,
            ),
            idempotency_key=f"{row.id}:spins",
            **frame,
        )
        row.spins_purse_id = purse_id
        row.purse_id = winnings_purse_of(purse_id) if row.wagers else None
    else:
        purse_id, posting = open_bonus_purse(
            player_id=row.player_id,
            amount=Money(row.amount_minor, row.currency),
            terms=terms if row.wagers else PurseTerms(),
            idempotency_key=f"{row.id}:purse",
            **frame,
        )
        row.purse_id = purse_id
    if not posting.ok:
        raise _Denied(Reason(posting.reason, f"It was refused: {posting.reason.replace('_', ' ')}."))
    row.save()
    if row.spins:
        note_spins(grant=row, at=at)
    publish(granted(row, at))
    if not row.wagers and not row.spins:
        redeem(row, None, at)


def granted(row: Grant, at: datetime) -> BonusGranted:
    """That a grant is active."""
    return BonusGranted(
        **about(row, at),
        version=row.version.number,
        occasion=row.occasion,
        kind=row.kind,
        purse_id=row.purse_id,
        spins_purse_id=row.spins_purse_id,
        amount=Money(row.amount_minor, row.currency).major,
        spins=row.spins,
        to_wager=Money(row.to_wager_minor, row.currency).major,
        expires_at=row.expires_at,
    )


def redeem(row: Grant, most: Money | None, at: datetime) -> None:
    """What is in the purse becomes real money, ``most`` of it at most; in the caller's transaction, which holds the player.

    Publishes BonusRedeemed; BonusExpired where the purse's time was over.
    """
    before = _in_purse(row)
    if row.purse_id:
        posting = close_bonus_purse(
            player_id=row.player_id,
            purse_id=row.purse_id,
            release=True,
            most=most,
            currency=row.currency,
            source=SOURCE,
            idempotency_key=f"{row.id}:redeemed",
            actor=system("bonuses"),
            at=at,
        )
        if not posting.ok or (row.expires_at and row.expires_at <= at):
            end_expired(row, before, at)
            return
    released = min(before, most) if most else before
    _end(row, GrantState.REDEEMED, "", at, released)
    publish(BonusRedeemed(**about(row, at), kind=row.kind, amount=released.major, above_cap=(before - released).major))
    begin_next(row.player_id, at)


def end_forfeited(row: Grant, by: ForfeitedBy, at: datetime, *, actor: Actor, next_: bool = True) -> None:
    """Close what the grant has into the house; in the caller's transaction, which holds the player."""
    lost = _in_purse(row)
    _close_spins(row, at, actor)
    if row.state == GrantState.ACTIVE and row.purse_id:
        close_bonus_purse(
            player_id=row.player_id,
            purse_id=row.purse_id,
            release=False,
            currency=row.currency,
            source=SOURCE,
            idempotency_key=f"{row.id}:forfeited",
            actor=actor,
            at=at,
        )
    waited = row.state != GrantState.ACTIVE
    _end(row, GrantState.FORFEITED, by, at, Money.zero(row.currency))
    publish(BonusForfeited(**about(row, at), by=by, amount=lost.major))
    if next_ and not waited:
        begin_next(row.player_id, at)


def settle_empty(row: Grant, at: datetime) -> None:
    """Nothing is left of it: used up; where its spins won real money, that was paid already."""
    if row.purse_id:
        end_forfeited(row, ForfeitedBy.USED_UP, at, actor=system("bonuses"))
        return
    _close_spins(row, at, system("bonuses"))
    _end(row, GrantState.REDEEMED, "", at, Money.zero(row.currency))
    publish(BonusRedeemed(**about(row, at), kind=row.kind, amount=Decimal(0), above_cap=Decimal(0)))


def begin_next(player_id: UUID, at: datetime) -> None:
    """The oldest bonus that waits begins, where none is being wagered. One that may not be given any more is taken."""
    while not is_wagering(player_id):
        row = (
            Grant.objects.select_for_update(of=("self",))
            .select_related("version", "offer")
            .filter(player_id=player_id, state=GrantState.QUEUED)
            .order_by("id")
            .first()
        )
        if row is None:
            return
        rule = read_rule(row.version)
        if _gate(row, rule, system("bonuses"), at):
            end_forfeited(row, ForfeitedBy.EXCLUSION, at, actor=system("bonuses"), next_=False)
            continue
        _activate(row, rule, system("bonuses"), at)


def _close_spins(row: Grant, at: datetime, actor: Actor) -> None:
    if row.state == GrantState.ACTIVE and row.spins_purse_id:
        end_free_spins(
            player_id=row.player_id,
            purse_id=row.spins_purse_id,
            why="forfeited",
            currency=row.currency,
            source=SOURCE,
            idempotency_key=f"{row.id}:spins-ended",
            actor=actor,
            at=at,
        )


def _in_purse(row: Grant) -> Money:
    balance = find_purse_balance(row.purse_id) if row.purse_id else None
    return balance or Money.zero(row.currency)


def end_expired(row: Grant, lost: Money, at: datetime) -> None:
    """Its time is over: not taken, or its purse closed by the wallet, with ``lost`` in it."""
    waited = row.state != GrantState.ACTIVE
    _end(row, GrantState.EXPIRED, "", at, Money.zero(row.currency))
    publish(BonusExpired(**about(row, at), amount=lost.major))
    if not waited:
        begin_next(row.player_id, at)


def _end(row: Grant, state: GrantState, by: str, at: datetime, outcome: Money) -> None:
    row.state, row.ended_at, row.ended_by, row.outcome_minor = state, at, by, outcome.amount_minor
    row.save()
    if row.spins:
        note_end(grant=row, at=at)


def _lock(grant_id: UUID) -> Grant:
    return Grant.objects.select_for_update(of=("self",)).select_related("version", "offer").get(id=grant_id)


def about(row: Grant, at: datetime) -> dict[str, Any]:
    """What every event of a grant says."""
    return {
        "player_id": row.player_id,
        "occurred_at": at,
        "grant_id": row.id,
        "offer": row.offer.code,
        "currency": row.currency,
    }


def _record(
    action: str, row: Grant, actor: Actor, at: datetime, reason: str = "", after: Mapping[str, str] | None = None
) -> None:
    record(
        action=action,
        actor=actor,
        at=at,
        player_id=row.player_id,
        object_type="bonuses.grant",
        object_id=str(row.id),
        reason=reason,
        after=after
        or {"offer": row.offer.code, "amount": str(Money(row.amount_minor, row.currency)), "spins": str(row.spins)},
    )
