"""Grants: a bonus for one player and occasion, given exactly once, and every step until it ends."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, Sum

from bonuses import rules
from bonuses.models import Grant, Offer, OfferVersion, Spend
from bonuses.ports import level_scale
from bonuses.rules_terms import describe
from bonuses.selectors import get_grant, get_offer, read_rule
from bonuses.services.handouts import note_end, note_spins
from bonuses.services.rights import need
from bonuses.types import OPEN_STATES, ForfeitedBy, GrantDetails, GrantState, OfferState, Reason, WhyNot
from bonuses.types_offer import AwardKind, BudgetRule, Claim, OfferRule, Stacking
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
from kernel import fx
from kernel.actors import Actor, ActorKind, system
from kernel.errors import DomainError, FieldErrors
from kernel.ids import uuid7
from kernel.money import Money
from kernel.pan import refuse_pans
from players.selectors import get_player, list_labels
from players.selectors_identity import list_devices_like, list_token_hashes
from players.types import ConfirmStatus, PlayerDetails
from wallet.selectors import find_purse_balance
from wallet.services.free_spins import end_free_spins, grant_free_spins, winnings_purse_of
from wallet.services.incentives import find_denial
from wallet.services.purses import close_bonus_purse, open_bonus_purse
from wallet.types import GameCategory, PurseTerms
from wallet.types_purses import FreeSpinsTerms

GRANT, FORFEIT = "bonuses.grant_bonus", "bonuses.forfeit_bonus"
SOURCE = "pms:bonuses"
HOUR = timedelta(hours=1)


class NotEligible(DomainError):
    """The player does not get the bonus: ``reasons`` says all that stands against it."""

    code = "not_eligible"
    title = "The player does not get this bonus"

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(
            " ".join(reason.text for reason in reasons),
            reasons=[{"code": reason.code, "text": reason.text} for reason in reasons],
        )
        self.reasons = tuple(reasons)


class GrantMoved(DomainError):
    """The bonus is in another state by now."""

    code = "grant_moved"
    title = "The bonus is not in a state for that"
    status = 409


class _Denied(Exception):
    """The gate says no once money was to move: what was begun is undone, and the reason told."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Found:
    """Everything about a player and an offer that a grant is decided by."""

    player: PlayerDetails
    offer: Offer
    version: OfferVersion
    rule: OfferRule
    level: str
    household: bytes | None
    award: rules.Award
    reasons: Sequence[Reason]


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
                row = _create(found, occasion, base, actor, at)
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


def explain(*, offer: str, player_id: UUID, base: Money | None = None, at: datetime) -> Sequence[Reason]:
    """Why the player would not get the offer now; empty: they would. What compliance says is asked when it is given.

    Raises: NotFound.
    """
    try:
        return find(offer=offer, player_id=player_id, base=base, at=at, lock=False).reasons
    except NotEligible as none_live:
        return none_live.reasons


def preview(*, offer: str, player_id: UUID, base: Money | None = None, at: datetime) -> dict[str, Any]:
    """What a grant would give now, and what stands against it: for whoever is about to give it. Raises: NotFound."""
    try:
        found = find(offer=offer, player_id=player_id, base=base, at=at, lock=False)
    except NotEligible as none_live:
        return {"reasons": none_live.reasons}
    award = found.award
    return {
        "reasons": found.reasons,
        "amount": award.amount,
        "spins": award.spins,
        "spin_value": award.spin_value,
        "to_wager": award.to_wager,
        "terms": describe(found.rule, "en", found.player.currency),
    }


def stands_against(*, offer: str, player_id: UUID, at: datetime) -> Sequence[Reason]:
    """As ``explain``, for who has not deposited yet: that the deposit is missing does not stand against an offer.

    Raises: NotFound.
    """
    missing = (WhyNot.DEPOSIT_TOO_SMALL, WhyNot.NOTHING_LOST)
    return [reason for reason in explain(offer=offer, player_id=player_id, at=at) if reason.code not in missing]


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


def forfeit_all(*, player_id: UUID, by: ForfeitedBy, actor: Actor, at: datetime, only: Q | None = None) -> int:
    """End everything open of a player, in the caller's transaction or one of its own; how many.

    Publishes BonusForfeited for each.
    """
    with holding(player_id):
        rows = Grant.objects.select_for_update().filter(only or Q(), player_id=player_id, state__in=OPEN_STATES)
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
                _expire(row, Money.zero(row.currency), at)
                ended += 1
    return ended


# --- deciding -----------------------------------------------------------------------------------------------------


def find(*, offer: str, player_id: UUID, base: Money | None, at: datetime, lock: bool) -> Found:
    """What a grant would be, and every reason against it. ``lock`` holds the offer where its limits are shared.

    Raises: NotFound.
    """
    player = get_player(player_id)
    row = Offer.objects.select_related("live").filter(code=offer).first()
    if row is not None and lock and row.live is not None and _shares(read_rule(row.live)):
        row = Offer.objects.select_for_update(of=("self",)).select_related("live").get(id=row.id)
    if row is None or row.live is None:
        raise NotEligible([Reason(WhyNot.OFFER_NOT_LIVE, f"The offer is {get_offer(offer).state}.")])
    rule = read_rule(row.live)
    fit = rule.eligibility
    labels = {f"{label.namespace}.{label.key}": label.value for label in list_labels(player_id)}
    level = labels.get("loyalty.level", "")
    household = household_of(player)
    award = (
        rules.award_of(rule, currency=player.currency, base=base, level=level, scale=level_scale(level))
        if player.currency in rule.currencies
        else rules.Award(zero := Money.zero(player.currency), 0, zero, zero)
    )
    given = Grant.objects.filter(offer=row)
    who = rules.Candidate(
        residence=player.residence,
        currency=player.currency,
        confirmed=player.confirm_status is ConfirmStatus.CONFIRMED,
        labels=labels,
        given_to_player=given.filter(player_id=player_id).count(),
        given_to_household=given.filter(household=household).count() if fit.per_household and household else 0,
        given_to_devices=given.filter(player_id__in=_same_device(player_id)).count() if fit.per_device else 0,
    )
    reasons: list[Reason] = []
    if row.state != OfferState.LIVE:
        reasons.append(Reason(WhyNot.OFFER_NOT_LIVE, f"The offer is {row.state}."))
    reasons += rules.why_not(rule, who, at)
    reasons += _award_reasons(rule, award, base, player.currency)
    reasons += _budget_reasons(row, rule, award, at)
    if rule.wagering.multiple and rule.stacking is Stacking.EXCLUSIVE and _wagering_now(player_id):
        reasons.append(_ANOTHER)
    return Found(player, row, row.live, rule, level, household, award, reasons)


def _shares(rule: OfferRule) -> bool:
    """Whether one player's bonus can be the last of several: the offer is then given to one after another."""
    return bool(rule.eligibility.per_household or rule.eligibility.per_device or rule.budget != BudgetRule())


_ANOTHER = Reason(WhyNot.ANOTHER_BONUS, "Another bonus is being wagered; this one is not given beside it.")


def _wagering_now(player_id: UUID) -> bool:
    return Grant.objects.filter(player_id=player_id, state=GrantState.ACTIVE, wagers=True).exists()


def _award_reasons(rule: OfferRule, award: rules.Award, base: Money | None, currency: str) -> list[Reason]:
    kind = rule.award.kind
    least = rules.amount_in(rule.award.min_deposit, currency)
    if least is not None and kind is not AwardKind.CASHBACK and (base is None or base < least):
        return [Reason(WhyNot.DEPOSIT_TOO_SMALL, f"The deposit has to be at least {least} {currency}.")]
    if currency in rule.currencies and award.worth.amount_minor <= 0:
        if kind is AwardKind.CASHBACK:
            return [Reason(WhyNot.NOTHING_LOST, "Nothing was lost in the time that counts.")]
        return [Reason(WhyNot.DEPOSIT_TOO_SMALL, "There is no deposit that it would be a part of.")]
    return []


def _budget_reasons(offer: Offer, rule: OfferRule, award: rules.Award, at: datetime) -> list[Reason]:
    budget, found = rule.budget, []
    cost = cost_of(award.worth, at)
    if budget.total_eur is not None:
        spent = Spend.objects.filter(offer=offer).aggregate(total=Sum("cost_eur_minor"))["total"] or 0
        if spent + cost > budget.total_eur * 100:
            found.append(Reason(WhyNot.BUDGET_SPENT, f"The offer's budget of {budget.total_eur} EUR is spent."))
    if budget.per_day_eur is not None:
        today = Spend.objects.filter(offer=offer, day=at.date()).values_list("cost_eur_minor", flat=True).first() or 0
        if today + cost > budget.per_day_eur * 100:
            found.append(Reason(WhyNot.BUDGET_SPENT, f"The budget of the day, {budget.per_day_eur} EUR, is spent."))
    if budget.grants_per_hour is not None:
        lately = Grant.objects.filter(offer=offer, granted_at__gt=at - HOUR, granted_at__lte=at).count()
        if lately >= budget.grants_per_hour:
            text = f"It was given {lately} times within an hour, more than anybody meant: staff have to look."
            found.append(Reason(WhyNot.BRAKE, text))
    return found


def cost_of(worth: Money, at: datetime) -> int:
    """What counts against the budget, in minor units of EUR. Raises: RateMissing: without a rate nothing is given."""
    return fx.convert(worth, fx.EURO, at).amount_minor


def household_of(player: PlayerDetails) -> bytes | None:
    """Who share it count as one household: country, postcode and family name. None where these are not known."""
    parts = [player.country, player.postcode, player.last_name]
    folded = ["".join(filter(str.isalnum, part.casefold())) for part in parts]
    return hashlib.sha256("\0".join(folded).encode()).digest() if all(folded) else None


def _same_device(player_id: UUID) -> list[UUID]:
    hashes = list_token_hashes(player_id)
    return [player_id, *(list_devices_like(hashes) if hashes else ())]


def _check_occasion(occasion: str) -> None:
    if not occasion or len(occasion) > 200 or not occasion.isprintable():
        raise FieldErrors({"occasion": ["Name the occasion in 1 to 200 printable characters."]})
    refuse_pans(occasion=occasion)


# --- moving -------------------------------------------------------------------------------------------------------


def _create(found: Found, occasion: str, base: Money | None, actor: Actor, at: datetime) -> Grant:
    award, rule = found.award, found.rule
    return Grant(
        id=uuid7(),
        player_id=found.player.id,
        offer=found.offer,
        version=found.version,
        occasion=occasion,
        state=GrantState.OFFERED,
        kind=rule.award.kind,
        currency=found.player.currency,
        base_minor=base.amount_minor if base else 0,
        amount_minor=award.amount.amount_minor,
        spins=award.spins,
        spin_value_minor=award.spin_value.amount_minor,
        to_wager_minor=award.to_wager.amount_minor,
        wagers=rule.wagering.multiple > 0,
        cost_eur_minor=cost_of(award.worth, at),
        household=found.household,
        granted_by=str(actor),
        granted_at=at,
    )


def _spend(row: Grant, at: datetime) -> None:
    day, _ = Spend.objects.get_or_create(offer_id=row.offer_id, day=at.date())
    Spend.objects.filter(id=day.id).update(
        grants=day.grants + 1, cost_eur_minor=day.cost_eur_minor + row.cost_eur_minor
    )


def facts_of(rule: OfferRule, worth: Money, before: Money | None = None) -> BonusFacts:
    """What the gate is told of the offer."""
    return BonusFacts(
        kind=rule.award.kind,
        amount=worth,
        wagering=rule.wagering.multiple,
        earned_by=(rule.earned_by,),
        pays_in=(rule.pays_in,),
        open_days=rule.wagering.days if rule.wagering.multiple else None,
        terms_shown_at=("first_presentation", "offer", "use"),  # the API and the pages carry them at each of these
        public=rule.public,
        given_before=before,
    )


def _facts(row: Grant, rule: OfferRule) -> BonusFacts:
    worth = Money(row.amount_minor + row.spins * row.spin_value_minor, row.currency)
    earlier = Grant.objects.filter(offer_id=row.offer_id, player_id=row.player_id).exclude(id=row.id)
    sums = earlier.aggregate(money=Sum("amount_minor"))["money"] or 0
    return facts_of(rule, worth, Money(sums, row.currency))


def _gate(row: Grant, rule: OfferRule, actor: Actor, at: datetime) -> Sequence[Reason]:
    denied = find_denial(player_id=row.player_id, purse_id=row.id, facts=_facts(row, rule), actor=actor, at=at)
    return [Reason(denied.reason, f"Compliance refuses it: {denied.reason.replace('_', ' ')}.")] if denied else []


def _blocked(row: Grant, rule: OfferRule) -> Reason | None:
    exclusive = row.wagers and rule.stacking is Stacking.EXCLUSIVE
    return _ANOTHER if exclusive and _wagering_now(row.player_id) else None


def _begin(row: Grant, rule: OfferRule, actor: Actor, at: datetime, *, claimed: bool = False) -> None:
    """On to the next state: offered, queued or active."""
    about = _about(row, at) | {"version": row.version.number, "occasion": row.occasion}
    if rule.claim is Claim.PLAYER and not claimed:
        row.state, row.claim_until = GrantState.OFFERED, at + timedelta(days=rule.claim_days)
        row.save()
        publish(BonusOffered(**about, claim_until=row.claim_until))
    elif row.wagers and _wagering_now(row.player_id):
        row.state = GrantState.QUEUED
        row.save()
        publish(BonusQueued(**about))
    else:
        _activate(row, rule, actor, at)


def _activate(row: Grant, rule: OfferRule, actor: Actor, at: datetime) -> None:
    """Open the purse, or hand out the spins. Raises: _Denied."""
    wagering, award = rule.wagering, rule.award
    row.state, row.activated_at = GrantState.ACTIVE, at
    spins_end = at + timedelta(days=award.spin_days) if row.spins else at
    row.expires_at = spins_end + timedelta(days=wagering.days) if row.wagers else spins_end if row.spins else None
    terms = PurseTerms(
        stake_cap=rules.amount_in(wagering.max_stake, row.currency),
        game_categories=tuple(GameCategory(name) for name in wagering.game_categories),
        active_until=row.expires_at,
    )
    frame: dict[str, Any] = {"incentive": _facts(row, rule), "source": SOURCE, "actor": actor, "at": at}
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
    publish(
        BonusGranted(
            **_about(row, at),
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
    )
    if not row.wagers and not row.spins:
        redeem(row, None, at)


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
            _expire(row, before, at)
            return
    released = min(before, most) if most else before
    _end(row, GrantState.REDEEMED, "", at, released)
    publish(BonusRedeemed(**_about(row, at), kind=row.kind, amount=released.major, above_cap=(before - released).major))
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
    publish(BonusForfeited(**_about(row, at), by=by, amount=lost.major))
    if next_ and not waited:
        begin_next(row.player_id, at)


def end_expired(row: Grant, lost: Money, at: datetime) -> None:
    """Its time is over, and its purse closed by the wallet."""
    _expire(row, lost, at)


def settle_empty(row: Grant, at: datetime) -> None:
    """Nothing is left of it: used up; where its spins won real money, that was paid already."""
    if row.purse_id:
        end_forfeited(row, ForfeitedBy.USED_UP, at, actor=system("bonuses"))
        return
    _close_spins(row, at, system("bonuses"))
    _end(row, GrantState.REDEEMED, "", at, Money.zero(row.currency))
    publish(BonusRedeemed(**_about(row, at), kind=row.kind, amount=Decimal(0), above_cap=Decimal(0)))


def begin_next(player_id: UUID, at: datetime) -> None:
    """The oldest bonus that waits begins, where none is being wagered. One that may not be given any more is taken."""
    while not _wagering_now(player_id):
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


def _expire(row: Grant, lost: Money, at: datetime) -> None:
    waited = row.state != GrantState.ACTIVE
    _end(row, GrantState.EXPIRED, "", at, Money.zero(row.currency))
    publish(BonusExpired(**_about(row, at), amount=lost.major))
    if not waited:
        begin_next(row.player_id, at)


def _end(row: Grant, state: GrantState, by: str, at: datetime, outcome: Money) -> None:
    row.state, row.ended_at, row.ended_by, row.outcome_minor = state, at, by, outcome.amount_minor
    row.save()
    if row.spins:
        note_end(grant=row, at=at)


def _lock(grant_id: UUID) -> Grant:
    return Grant.objects.select_for_update(of=("self",)).select_related("version", "offer").get(id=grant_id)


def _about(row: Grant, at: datetime) -> dict[str, Any]:
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
