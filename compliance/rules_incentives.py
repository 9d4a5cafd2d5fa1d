"""What packs say of bonuses and messages. An offer is judged when it is written, and again for each player it is given to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance.types_gate import BonusFacts, MessageFacts, Reason, ReasonCode
from compliance.types_packs import EffectivePack
from players.types_identity import ConsentDetails

# Who has not played for so long is not written to where people who stopped playing may not be.
INACTIVE_AFTER = timedelta(days=30)
# Where an answer to the question of consent is given on the operator's own site.
ON_SITE = frozenset({"registration", "preferences"})


@dataclass(frozen=True, slots=True)
class Recipient:
    """What the rules look at in a player. ``harmed``: strong signs of harm are known."""

    age: int | None
    harmed: bool
    consents: Sequence[ConsentDetails]
    last_played_at: datetime | None


def offer_reasons(pack: EffectivePack, offer: BonusFacts) -> Iterator[Reason]:
    """What stands against an offer, whoever gets it."""
    most = pack.integer("bonus.max_wagering_multiple")
    if most is not None and offer.wagering is not None and offer.wagering > most:
        yield _no(
            ReasonCode.WAGERING_ABOVE_CAP, f"No more than {most} times the bonus may have to be wagered.", max=most
        )
    if not pack.flag("bonus.mixed_products", absent=True) and len({*offer.earned_by, *offer.pays_in}) > 1:
        yield _no(ReasonCode.MIXED_PRODUCTS, "One incentive may not span several products: make it one for each.")
    cap, worth = pack.amount("bonus.max_amount"), offer.amount
    if offer.given_before is not None:
        worth = worth + offer.given_before
    if cap is not None and worth.currency == cap.currency and worth.amount_minor > cap.amount_minor:
        yield _no(ReasonCode.BONUS_ABOVE_CAP, f"No bonus may be worth more than {cap.major} {cap.currency} in all.")
    days = pack.integer("bonus.min_days_to_fulfil")
    if days is not None and offer.open_days is not None and offer.open_days < days:
        yield _no(
            ReasonCode.TOO_LITTLE_TIME, f"Players have at least {days} days to meet the conditions.", min_days=days
        )
    if pack.flag("bonus.equal_terms") and offer.terms_differ:
        yield _no(ReasonCode.UNEQUAL_TERMS, "The conditions are the same for everybody.")
    shown = offer.terms_shown_at
    missing = [] if shown is None else [at for at in pack.texts("bonus.terms_shown_at") if at not in shown]
    if missing:
        yield _no(ReasonCode.TERMS_NOT_SHOWN, "All conditions have to be shown.", at=missing)
    if offer.public and not pack.flag("bonus.public_advertising", absent=True):
        yield _no(ReasonCode.PUBLIC_ADVERTISING, "Bonuses may not be advertised in public.")
    if offer.during_play and not pack.flag("bonus.during_play", absent=True):
        yield _no(ReasonCode.DURING_PLAY, "No bonus may be offered during play.")


def bonus_reasons(pack: EffectivePack, offer: BonusFacts, to: Recipient) -> Iterator[Reason]:
    """What stands against giving it to this player."""
    yield from offer_reasons(pack, offer)
    if pack.flag("bonus.first_occasion_only") and not offer.first:
        yield _no(ReasonCode.FIRST_OCCASION_ONLY, "Only the first occasion of play may bring a bonus: there was one.")
    if pack.flag("bonus.block_on_strong_harm_marker") and to.harmed:
        yield _no(ReasonCode.HARM_MARKER, "No bonus for whom strong signs of harm are known.")
    if _young(pack, to) and "young" in pack.texts("bonus.excluded_bands"):
        yield _no(ReasonCode.AGE_BAND_EXCLUDED, "Players of this age get no bonus.")


def message_reasons(pack: EffectivePack, message: MessageFacts, to: Recipient, at: datetime) -> Iterator[Reason]:
    """What stands against writing to this player. Whatever the pack: no marketing without consent."""
    if not message.marketing:
        return
    if not _consented(pack, message, to.consents):
        yield _no(ReasonCode.NO_CONSENT, "The player has not agreed to be written to about this by this channel.")
    if pack.flag("marketing.block_on_strong_harm_marker") and to.harmed:
        yield _no(ReasonCode.HARM_MARKER, "No direct marketing for whom strong signs of harm are known.")
    inactive = to.last_played_at is None or at - to.last_played_at >= INACTIVE_AFTER
    if not pack.flag("marketing.reactivation_of_inactive", absent=True) and inactive:
        yield _no(ReasonCode.INACTIVE, "Players who stopped playing may not be written to.")
    if message.incentive and _young(pack, to) and "young" in pack.texts("bonus.excluded_bands"):
        yield _no(ReasonCode.AGE_BAND_EXCLUDED, "Players of this age get no bonus, and no word of one.")


def _consented(pack: EffectivePack, message: MessageFacts, consents: Sequence[ConsentDetails]) -> bool:
    dimensions = pack.texts("marketing.consent_dimensions") or ("product", "channel")
    return any(
        consent.granted
        and (consent.channel == message.channel or "channel" not in dimensions)
        and (consent.product == message.product or "product" not in dimensions)
        and (consent.source in ON_SITE or not pack.flag("marketing.consent_on_site"))
        for consent in consents
    )


def _young(pack: EffectivePack, to: Recipient) -> bool:
    oldest = pack.numbers("age.bands").get("young")
    return oldest is not None and to.age is not None and to.age <= oldest


def _no(code: ReasonCode, text: str, **data: object) -> Reason:
    return Reason(code, text, data)
