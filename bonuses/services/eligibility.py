"""Who gets an offer, what it gives them, and everything that stands against it: decided here, given in ``grants``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Sum

from bonuses import rules
from bonuses.models import Grant, Offer, OfferVersion, Spend
from bonuses.ports import level_scale
from bonuses.rules_terms import describe
from bonuses.selectors import get_offer, read_rule
from bonuses.types import GrantState, OfferState, Reason, WhyNot
from bonuses.types_offer import AwardKind, BudgetRule, OfferRule, Stacking
from compliance.types_gate import BonusFacts
from kernel import fx
from kernel.errors import DomainError
from kernel.money import Money
from players.selectors import get_player, list_labels
from players.selectors_identity import list_devices_like, list_token_hashes
from players.types import ConfirmStatus, PlayerDetails

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


@dataclass(frozen=True, slots=True)
class Found:
    """Everything about a player and an offer that a grant is decided by."""

    known: Known
    offer: Offer
    version: OfferVersion
    rule: OfferRule
    award: rules.Award
    cost: int
    reasons: Sequence[Reason]


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
        "terms": describe(found.rule, "en", found.known.player.currency),
    }


def stands_against(*, offer: str, player_id: UUID, at: datetime) -> Sequence[Reason]:
    """As ``explain``, for who has not deposited yet: that the deposit is missing does not stand against an offer.

    Raises: NotFound.
    """
    missing = (WhyNot.DEPOSIT_TOO_SMALL, WhyNot.NOTHING_LOST)
    return [reason for reason in explain(offer=offer, player_id=player_id, at=at) if reason.code not in missing]


def find(*, offer: str, player_id: UUID, base: Money | None, at: datetime, lock: bool) -> Found:
    """What a grant would be, and every reason against it. ``lock`` holds the offer where its limits are shared.

    Raises: NotFound.
    """
    player = get_player(player_id)
    row, rule = live_rule(offer, lock=lock)
    labels = {f"{label.namespace}.{label.key}": label.value for label in list_labels(player_id)}
    household = household_of(player)
    fit, given = rule.eligibility, Grant.objects.filter(offer=row)
    known = Known(
        player=player,
        labels=labels,
        household=household,
        given_to_player=given.filter(player_id=player_id).count(),
        given_to_household=given.filter(household=household).count() if fit.per_household and household else 0,
        given_to_devices=given.filter(player_id__in=_same_device(player_id)).count() if fit.per_device else 0,
        wagering=is_wagering(player_id),
    )
    return judge(row, rule, known, spent_of(row, rule, at), base, at, partial(cost_of, at=at))


def live_rule(offer: str, *, lock: bool) -> tuple[Offer, OfferRule]:
    """The offer and its rule in force. ``lock`` holds the offer where its limits are shared. Raises: NotFound, NotEligible."""
    row = Offer.objects.select_related("live").filter(code=offer).first()
    if row is not None and lock and row.live is not None and _shares(read_rule(row.live)):
        row = Offer.objects.select_for_update(of=("self",)).select_related("live").get(id=row.id)
    if row is None or row.live is None:
        raise NotEligible([Reason(WhyNot.OFFER_NOT_LIVE, f"The offer is {get_offer(offer).state}.")])
    return row, read_rule(row.live)


@dataclass(frozen=True, slots=True)
class Known:
    """What is read of one player before an offer is judged for them. ``given_*`` count this offer's grants."""

    player: PlayerDetails
    labels: Mapping[str, str]
    household: bytes | None
    given_to_player: int
    given_to_household: int
    given_to_devices: int
    wagering: bool


@dataclass(slots=True)
class Spent:
    """What an offer has cost, in minor units of EUR, and how often it was given within the hour: as far as it is limited."""

    total: int = 0
    today: int = 0
    lately: int = 0

    def add(self, cost: int) -> None:
        self.total, self.today, self.lately = self.total + cost, self.today + cost, self.lately + 1


def spent_of(offer: Offer, rule: OfferRule, at: datetime) -> Spent:
    """Only what the offer limits is read."""
    spent, budget = Spent(), rule.budget
    if budget.total_eur is not None:
        spent.total = Spend.objects.filter(offer=offer).aggregate(total=Sum("cost_eur_minor"))["total"] or 0
    if budget.per_day_eur is not None:
        days = Spend.objects.filter(offer=offer, day=at.date())
        spent.today = days.values_list("cost_eur_minor", flat=True).first() or 0
    if budget.grants_per_hour is not None:
        spent.lately = Grant.objects.filter(offer=offer, granted_at__gt=at - HOUR, granted_at__lte=at).count()
    return spent


def judge(
    offer: Offer,
    rule: OfferRule,
    known: Known,
    spent: Spent,
    base: Money | None,
    at: datetime,
    costs: Callable[[Money], int],
) -> Found:
    """What a grant would be, and every reason against it, from what was read."""
    if offer.live is None:
        raise LookupError("The offer has no version in force.")
    player = known.player
    level = known.labels.get("loyalty.level", "")
    award = (
        rules.award_of(rule, currency=player.currency, base=base, level=level, scale=level_scale(level, at))
        if player.currency in rule.currencies
        else rules.Award(zero := Money.zero(player.currency), 0, zero, zero)
    )
    who = rules.Candidate(
        residence=player.residence,
        currency=player.currency,
        confirmed=player.confirm_status is ConfirmStatus.CONFIRMED,
        labels=known.labels,
        given_to_player=known.given_to_player,
        given_to_household=known.given_to_household,
        given_to_devices=known.given_to_devices,
    )
    reasons: list[Reason] = []
    if offer.state != OfferState.LIVE:
        reasons.append(Reason(WhyNot.OFFER_NOT_LIVE, f"The offer is {offer.state}."))
    reasons += rules.why_not(rule, who, at)
    reasons += _award_reasons(rule, award, base, player.currency)
    cost = 0
    try:
        cost = costs(award.worth) if award.worth.amount_minor else 0
        reasons += _budget_reasons(rule, spent, cost)
    except fx.RateMissing:
        text = f"There is no exchange rate from {player.currency} to EUR: nothing is given that cannot be counted."
        reasons.append(Reason(WhyNot.NO_RATE, text))
    if rule.wagering.multiple and rule.stacking is Stacking.EXCLUSIVE and known.wagering:
        reasons.append(ANOTHER)
    return Found(known, offer, offer.live, rule, award, cost, reasons)


def _shares(rule: OfferRule) -> bool:
    """Whether one player's bonus can be the last of several: the offer is then given to one after another."""
    return bool(rule.eligibility.per_household or rule.eligibility.per_device or rule.budget != BudgetRule())


ANOTHER = Reason(WhyNot.ANOTHER_BONUS, "Another bonus is being wagered; this one is not given beside it.")


def is_wagering(player_id: UUID) -> bool:
    """Whether the player has a bonus that is being wagered."""
    return Grant.objects.filter(player_id=player_id, state=GrantState.ACTIVE, wagers=True).exists()


def _award_reasons(rule: OfferRule, award: rules.Award, base: Money | None, currency: str) -> list[Reason]:
    kind = rule.award.kind
    least = rules.amount_in(rule.award.min_deposit, currency)
    if least is not None and kind is not AwardKind.CASHBACK and (base is None or base < least):
        return [Reason(WhyNot.DEPOSIT_TOO_SMALL, f"The deposit has to be at least {least} {currency}.")]
    if currency in rule.currencies and award.worth.amount_minor <= 0:
        if kind is AwardKind.POINTS_REDEMPTION:
            return [Reason(WhyNot.NO_POINTS, "It gives what loyalty points are worth: they are redeemed, not given.")]
        if kind is AwardKind.CASHBACK:
            return [Reason(WhyNot.NOTHING_LOST, "Nothing was lost in the time that counts.")]
        return [Reason(WhyNot.DEPOSIT_TOO_SMALL, "There is no deposit that it would be a part of.")]
    return []


def _budget_reasons(rule: OfferRule, spent: Spent, cost: int) -> list[Reason]:
    budget, found = rule.budget, []
    if budget.total_eur is not None and spent.total + cost > budget.total_eur * 100:
        found.append(Reason(WhyNot.BUDGET_SPENT, f"The offer's budget of {budget.total_eur} EUR is spent."))
    if budget.per_day_eur is not None and spent.today + cost > budget.per_day_eur * 100:
        found.append(Reason(WhyNot.BUDGET_SPENT, f"The budget of the day, {budget.per_day_eur} EUR, is spent."))
    if budget.grants_per_hour is not None and spent.lately >= budget.grants_per_hour:
        text = f"It was given {spent.lately} times within an hour, more than anybody meant: staff have to look."
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
