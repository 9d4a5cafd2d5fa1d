"""What an offer's rule must be, what it awards, and what a stake counts for it. Plain Python, exact numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from bonuses.types import Breach, Reason, WhyNot
from bonuses.types_offer import AwardKind, AwardRule, Counts, OfferRule, TriggerKind, WageringOf, WageringRule
from kernel.currencies import UnknownCurrency, exponent
from kernel.money import InvalidAmount, Money

MILLIONTH = Decimal("0.000001")
_CATEGORIES = ("slots", "table", "live", "crash", "other")
# Which occasions bring an amount that an award can be computed from.
_OF_DEPOSITS = (TriggerKind.DEPOSIT, TriggerKind.CODE)


@dataclass(frozen=True, slots=True)
class Award:
    """What a grant gives: ``amount`` of bonus money, or ``spins`` worth ``spin_value`` each. ``to_wager`` is what must be
    staked for the amount (free spins: for what they win, as they win it)."""

    amount: Money
    spins: int
    spin_value: Money
    to_wager: Money

    @property
    def worth(self) -> Money:
        """What it is worth at most when it is given: the amount, or the spins at their value."""
        return self.amount + Money(self.spins * self.spin_value.amount_minor, self.amount.currency)


def errors_of(rule: OfferRule) -> dict[str, list[str]]:
    """What is wrong with a rule, by field, each with its remedy. Empty: it may be released."""
    found: dict[str, list[str]] = {}
    for field, text in _errors(rule):
        found.setdefault(field, []).append(text)
    return found


def _errors(rule: OfferRule) -> Iterator[tuple[str, str]]:
    yield from _trigger_errors(rule)
    yield from _award_errors(rule.award, rule.trigger.kind)
    yield from _wagering_errors(rule)
    if not rule.currencies:
        yield "award", "Name an amount in at least one currency."
    for field, amounts in _amounts(rule):
        for currency, amount in amounts.items():
            yield from _amount_errors(f"{field}.{currency}", currency, amount)
        if amounts and set(amounts) != rule.currencies:
            yield field, f"Give it in the currencies of the offer: {', '.join(sorted(rule.currencies))}."
    for name in ("per_player", "per_household", "per_device"):
        if getattr(rule.eligibility, name) < 0:
            yield f"eligibility.{name}", "Use 0 for no cap."
    for name in ("total_eur", "per_day_eur"):
        if (most := getattr(rule.budget, name)) is not None:
            yield from _amount_errors(f"budget.{name}", "EUR", most)
    if rule.budget.grants_per_hour is not None and rule.budget.grants_per_hour < 1:
        yield "budget.grants_per_hour", "At least 1; leave it out for no brake."
    if not 1 <= rule.claim_days <= 365:
        yield "claim_days", "From 1 to 365 days."
    for name in ("starts_at", "ends_at"):
        moment = getattr(rule, name)
        if moment is not None and moment.tzinfo is None:
            yield name, "Say in which time zone, such as 2026-03-14T15:00:00Z."
    if (
        rule.starts_at
        and rule.ends_at
        and rule.starts_at.tzinfo
        and rule.ends_at.tzinfo
        and rule.ends_at <= rule.starts_at
    ):
        yield "ends_at", "It ends before it begins."
    if not rule.titles.get("en", "").strip():
        yield "titles.en", "Give the offer a title in English; other languages may be added."
    for language, text in rule.titles.items():
        if len(text) > 120:
            yield f"titles.{language}", "At most 120 characters."


def _trigger_errors(rule: OfferRule) -> Iterator[tuple[str, str]]:
    trigger = rule.trigger
    if not 0 <= trigger.nth <= 1000:
        yield "trigger.nth", "The number of the deposit, or 0 for each one."
    if trigger.kind is TriggerKind.TURNOVER and trigger.amount_eur <= 0:
        yield "trigger.amount_eur", "Say at which turnover, in EUR."
    if trigger.kind is TriggerKind.LEVEL and not trigger.value:
        yield "trigger.value", "Name the level."
    if trigger.kind is TriggerKind.SEGMENT and "." not in trigger.label:
        yield "trigger.label", 'Name the label as "namespace.key".'
    if trigger.kind is TriggerKind.INACTIVITY and not 1 <= trigger.days <= 3650:
        yield "trigger.days", "From 1 to 3650 days without a bet."
    if not -1 <= trigger.weekday <= 6:
        yield "trigger.weekday", "0 is Monday, 6 Sunday, -1 every day."
    if not 0 <= trigger.hour <= 23:
        yield "trigger.hour", "From 0 to 23 (UTC)."


def _award_errors(award: AwardRule, trigger: TriggerKind) -> Iterator[tuple[str, str]]:
    percents = {"award.percent": award.percent}
    percents |= {f"award.percent_by_level.{level}": percent for level, percent in award.percent_by_level.items()}
    for field, percent in percents.items():
        if not 0 <= percent <= 1000 or percent != percent.quantize(Decimal("0.01")):
            yield field, "From 0 to 1000 per cent, with at most two decimals."
    match award.kind:
        case AwardKind.DEPOSIT_MATCH:
            if trigger not in _OF_DEPOSITS:
                yield (
                    "award.kind",
                    "A deposit is matched where a deposit triggers the offer, or a code used before one.",
                )
            if award.percent <= 0:
                yield "award.percent", "Say how much of the deposit."
            if not award.cap:
                yield "award.cap", "Say what it gives at most."
        case AwardKind.CASHBACK:
            if not (award.percent > 0 or any(percent > 0 for percent in award.percent_by_level.values())):
                yield "award.percent", "Say how much of the net loss."
            if not award.cap:
                yield "award.cap", "Say what it gives at most."
            if trigger not in (TriggerKind.SCHEDULE, TriggerKind.MANUAL):
                yield "trigger.kind", "Cashback is given by a schedule, or by hand."
            if not 1 <= award.window_days <= 92:
                yield "award.window_days", "From 1 to 92 days."
        case AwardKind.POINTS_REDEMPTION:
            if trigger is not TriggerKind.MANUAL:
                yield "trigger.kind", "Points are redeemed by the player: the offer is given by hand or the API."
            if not award.cap:
                yield "award.cap", "Say what one redemption gives at most."
        case AwardKind.FIXED:
            if not award.amount:
                yield "award.amount", "Say how much."
        case AwardKind.FREE_SPINS:
            if not 1 <= award.spins <= 10_000:
                yield "award.spins", "From 1 to 10,000 spins."
            if not award.spin_value:
                yield "award.spin_value", "Say what a spin is worth."
            if award.spin_wins not in ("bonus", "real"):
                yield "award.spin_wins", "Wins are bonus or real money."
            if not 1 <= award.spin_days <= 365:
                yield "award.spin_days", "From 1 to 365 days."


def _wagering_errors(rule: OfferRule) -> Iterator[tuple[str, str]]:
    wagering = rule.wagering
    if not 0 <= wagering.multiple <= 1000 or wagering.multiple != wagering.multiple.quantize(Decimal("0.01")):
        yield "wagering.multiple", "From 0 to 1000 times, with at most two decimals."
    if wagering.of is WageringOf.BONUS_AND_DEPOSIT and rule.award.kind is not AwardKind.DEPOSIT_MATCH:
        yield "wagering.of", "Only a matched deposit can be wagered with the bonus."
    for field in ("contribution", "game_contribution"):
        for name, percent in getattr(wagering, field).items():
            if not 0 <= percent <= 100 or percent != percent.quantize(Decimal("0.01")):
                yield f"wagering.{field}.{name}", "From 0 to 100 per cent, with at most two decimals."
    for name in [*wagering.contribution, *wagering.game_categories]:
        if name not in _CATEGORIES:
            yield f"wagering.contribution.{name}", f"Categories are {', '.join(_CATEGORIES)}."
    if not 1 <= wagering.days <= 365:
        yield "wagering.days", "From 1 to 365 days."
    if rule.award.kind is AwardKind.FREE_SPINS and rule.award.spin_wins == "real" and wagering.multiple:
        yield "wagering.multiple", "What is won as real money is not wagered: set it to 0."
    if rule.award.kind is AwardKind.FREE_SPINS and rule.award.spin_wins == "bonus" and not wagering.multiple:
        yield "award.spin_wins", "Wins that need no wagering are real money."


def _amounts(rule: OfferRule) -> Iterator[tuple[str, Mapping[str, Decimal]]]:
    award, wagering = rule.award, rule.wagering
    for name in ("cap", "min_deposit", "amount", "spin_value"):
        yield f"award.{name}", getattr(award, name)
    yield "wagering.max_stake", wagering.max_stake
    yield "wagering.max_conversion", wagering.max_conversion


def _amount_errors(field: str, currency: str, amount: Decimal) -> Iterator[tuple[str, str]]:
    try:
        if Money.parse(f"{amount:f}", currency).amount_minor <= 0:
            yield field, "More than zero."
    except UnknownCurrency:
        yield field, "Name the currency by three capital letters (ISO 4217), such as EUR."
    except InvalidAmount as error:
        yield field, str(error)


def amount_in(amounts: Mapping[str, Decimal], currency: str) -> Money | None:
    """The amount of the rule in a currency; None where the rule names none."""
    amount = amounts.get(currency)
    return None if amount is None else Money.parse(f"{amount:f}", currency)


def award_of(rule: OfferRule, *, currency: str, base: Money | None, level: str, scale: Decimal) -> Award:
    """What a player gets. ``base`` is the deposit or net loss; ``scale`` multiplies where the rule scales with the level.

    Percentages round down to the minor unit: never more than promised.
    """
    award, zero = rule.award, Money.zero(currency)
    factor = scale if award.scale_with_level else Decimal(1)
    amount, spins, spin_value = zero, 0, zero
    match award.kind:
        case AwardKind.FIXED:
            amount = _times(amount_in(award.amount, currency) or zero, factor)
        case AwardKind.POINTS_REDEMPTION:
            cap = amount_in(award.cap, currency)
            amount = min(base or zero, cap) if cap is not None else base or zero
        case AwardKind.DEPOSIT_MATCH | AwardKind.CASHBACK:
            percent = award.percent_by_level.get(level, award.percent)
            amount = _times(base or zero, percent * factor / 100)
            if (cap := amount_in(award.cap, currency)) is not None:
                amount = min(amount, _times(cap, factor))
        case AwardKind.FREE_SPINS:
            spins = int((award.spins * factor).to_integral_value(ROUND_FLOOR))
            spin_value = amount_in(award.spin_value, currency) or zero
    return Award(amount, spins, spin_value, to_wager(rule.wagering, amount, base))


def most_worth(rule: OfferRule, currency: str) -> Money:
    """What one grant is worth at most, before a level scales it: the amount, the cap, or all spins at their value."""
    award = rule.award
    amount = amount_in(award.amount, currency) or amount_in(award.cap, currency) or Money.zero(currency)
    value = amount_in(award.spin_value, currency)
    return Money(award.spins * value.amount_minor, currency) if value else amount


def to_wager(wagering: WageringRule, amount: Money, base: Money | None) -> Money:
    """What has to be staked for ``amount``: times the multiple, rounded half to even to the minor unit."""
    of = amount + base if base and wagering.of is WageringOf.BONUS_AND_DEPOSIT else amount
    minor = (of.amount_minor * wagering.multiple).to_integral_value(ROUND_HALF_EVEN)
    return Money(int(minor), amount.currency)


def _times(amount: Money, factor: Decimal) -> Money:
    return Money(int((amount.amount_minor * factor).to_integral_value(ROUND_FLOOR)), amount.currency)


@dataclass(frozen=True, slots=True)
class Stake:
    """What a bet was, in minor units: ``bonus`` is the part that bonus money paid."""

    game: str
    category: str
    stake: Decimal
    bonus: Decimal


def counted(wagering: WageringRule, stake: Stake, currency: str) -> tuple[Decimal, Breach | None]:
    """What a stake counts towards the wagering, in minor units to a millionth, and which term it breaks."""
    if stake.game in wagering.excluded_games:
        return Decimal(0), Breach.EXCLUDED_GAME
    most = amount_in(wagering.max_stake, currency)
    if most is not None and stake.stake > most.amount_minor:
        return Decimal(0), Breach.MAX_STAKE
    percent = wagering.game_contribution.get(stake.game, wagering.contribution.get(stake.category, Decimal(100)))
    base = stake.bonus if wagering.counts is Counts.BONUS else stake.stake
    return (base * percent / 100).quantize(MILLIONTH), None


def minor_of(amount: str | Decimal, currency: str) -> Decimal:
    """An event's amount in minor units."""
    return Decimal(amount).scaleb(exponent(currency))


@dataclass(frozen=True, slots=True)
class Candidate:
    """What eligibility looks at. ``labels`` are "namespace.key" to value; ``given_*`` count this offer's grants."""

    residence: str
    currency: str
    confirmed: bool
    labels: Mapping[str, str]
    given_to_player: int
    given_to_household: int
    given_to_devices: int


def why_not(rule: OfferRule, who: Candidate, at: datetime) -> Iterator[Reason]:
    """Every reason of the rule's own against this player, now."""
    fit = rule.eligibility
    if rule.starts_at and at < rule.starts_at:
        yield Reason(WhyNot.NOT_YET, f"The offer begins on {rule.starts_at:%Y-%m-%d %H:%M} UTC.")
    if rule.ends_at and at >= rule.ends_at:
        yield Reason(WhyNot.OVER, f"The offer ended on {rule.ends_at:%Y-%m-%d %H:%M} UTC.")
    if who.currency not in rule.currencies:
        yield Reason(WhyNot.CURRENCY, f"The offer is not made in {who.currency}.")
    if fit.jurisdictions and not {who.residence, who.residence.partition("-")[0]} & set(fit.jurisdictions):
        yield Reason(WhyNot.JURISDICTION, f"The offer is not made in {who.residence}.")
    for label, values in sorted(fit.labels.items()):
        if who.labels.get(label) not in values:
            has = who.labels.get(label, "nothing")
            yield Reason(WhyNot.LABEL, f"{label} is {has}; the offer is for {', '.join(values)}.")
    if fit.confirmed_only and not who.confirmed:
        yield Reason(WhyNot.NOT_CONFIRMED, "The offer is for players whose identity is confirmed.")
    caps = (
        (fit.per_player, who.given_to_player, WhyNot.PLAYER_CAP, "The player has had it"),
        (fit.per_household, who.given_to_household, WhyNot.HOUSEHOLD_CAP, "The household has had it"),
        (fit.per_device, who.given_to_devices, WhyNot.DEVICE_CAP, "Players on the same device have had it"),
    )
    for cap, given, code, text in caps:
        if cap and given >= cap:
            yield Reason(code, f"{text} {given} of {cap} times.")
