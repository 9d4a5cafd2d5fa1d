"""Exclusion: which lengths may be chosen, when they end, and when asking for the end is heard. Plain arithmetic.

Lengths are written "24h", "1d", "1w", "6mo", "1y" or "indefinite". Hours, days and weeks are exact; months and years end
on the same day and hour in the pack's time zone, right through daylight saving.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from compliance.types_exclusion import Ending, ExclusionKind, Offer
from compliance.types_packs import EffectivePack

INDEFINITE = "indefinite"
_TERM = re.compile(r"([1-9]\d{0,3})(h|d|w|mo|y)")
_EXACT = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LONGEST_YEARS = 100

# What is offered where the pack says nothing: the house's own habit, stricter than no offer at all.
HOUSE_BREAKS = ("1d", "1w", "1mo")
HOUSE_TERMS = ("6mo", "1y", "5y", INDEFINITE)


class TermRefused(ValueError):
    """The length can't be chosen; the message names those that can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionTerms:
    """What one pack says about exclusions, in the units of this file. Empty means that the pack asks for nothing.

    ``delay_hours`` and ``indefinite_delay_hours`` lie between the accepted request and the end. ``reviewed``: a person
    decides on requests, within ``answer_days``. ``closes_permanent``: an indefinite self-exclusion closes the account;
    ``close_hours``: every long one does, within so long. ``any_term``: other lengths than ``terms`` may be chosen.
    """

    zone: str = "UTC"
    panic_hours: int = 24
    breaks: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    any_term: bool = False
    shortest: str = ""
    longest_offered: str = ""
    usual: str = ""
    third_party_shortest: str = ""
    ending: Ending = Ending.EXPIRES
    early_end: bool = False
    indefinite_earliest: str = ""
    delay_hours: int = 0
    indefinite_delay_hours: int = 0
    needs_reason: bool = False
    reviewed: bool = True
    answer_days: int = 0
    closes_permanent: bool = False
    close_hours: int = 0
    refunds_open_bets: bool = False


def length_of(term: str) -> tuple[int, str] | None:
    """(6, "mo") of "6mo"; None for "indefinite". Raises: TermRefused for what is no length."""
    if term == INDEFINITE:
        return None
    found = _TERM.fullmatch(term)
    if not found or (found[2] == "y" and int(found[1]) > _LONGEST_YEARS):
        raise TermRefused('Write a length such as "24h", "30d", "1w", "6mo", "1y", or "indefinite".')
    return int(found[1]), found[2]


def end_of(term: str, start: datetime, zone: str) -> datetime | None:
    """When a length that begins at ``start`` is over; None for "indefinite". Raises: TermRefused.

    The 31st of a month plus a month is the last day of the next one.
    """
    length = length_of(term)
    if length is None:
        return None
    number, unit = length
    if unit in _EXACT:
        return start + number * _EXACT[unit]
    local = start.astimezone(ZoneInfo(zone))
    months = local.year * 12 + local.month - 1 + number * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)


def offers_of(terms: ExclusionTerms) -> dict[ExclusionKind, Offer]:
    """What players may choose under a pack, and the operator for third parties and itself."""
    free = terms.any_term or (bool(terms.shortest) and not terms.terms)
    named = tuple(filter(None, (terms.shortest, terms.usual, terms.longest_offered, *terms.terms)))
    if free:
        offered = tuple(dict.fromkeys((*(named if terms.shortest else (*HOUSE_TERMS, *named)), INDEFINITE)))
    else:
        offered = terms.terms or HOUSE_TERMS
    shortest = terms.third_party_shortest or terms.shortest
    long = {"ending": terms.ending, "earliest": terms.indefinite_earliest}
    by_others = {"terms": (shortest or "1y", INDEFINITE), "closed": False, "shortest": shortest, **long}
    offers = (
        Offer(ExclusionKind.PANIC, (f"{terms.panic_hours}h",), True),
        Offer(ExclusionKind.COOLING_OFF, terms.breaks or HOUSE_BREAKS, True),
        Offer(ExclusionKind.SELF, offered, not free, terms.shortest, terms.usual, **long),  # type: ignore[arg-type]
        Offer(ExclusionKind.THIRD_PARTY, **by_others),  # type: ignore[arg-type]
        Offer(ExclusionKind.OPERATOR, **by_others),  # type: ignore[arg-type]
    )
    return {offer.kind: offer for offer in offers}


def check_term(offer: Offer, term: str, start: datetime, zone: str) -> None:
    """Raises: TermRefused, naming what may be chosen."""
    end = end_of(term, start, zone)
    if offer.closed:
        if term not in offer.terms:
            raise TermRefused(f"Choose one of: {', '.join(offer.terms)}.")
        return
    shortest = end_of(offer.shortest, start, zone) if offer.shortest else None
    if end is not None and shortest is not None and end < shortest:
        raise TermRefused(f"It must last at least {offer.shortest}.")


@dataclass(frozen=True, slots=True)
class Course:
    """When an exclusion stands. ``active_until`` None: until it is ended. ``minimum_until`` None: its end may be asked
    for at once.
    """

    active_until: datetime | None
    minimum_until: datetime | None


def course_of(offer: Offer, term: str, start: datetime, zone: str, *, early_end: bool) -> Course:
    """How an exclusion of this length goes."""
    end = end_of(term, start, zone)
    if end is None:
        earliest = end_of(offer.earliest, start, zone) if offer.earliest else None
        return Course(None, None if early_end else earliest)
    return Course(end if offer.ending is Ending.EXPIRES else None, None if early_end else end)


def terms_of(pack: EffectivePack) -> ExclusionTerms:
    """What a pack says about exclusions. Where whoever asks to return waits a while, exclusions do not end by themselves.

    Requests are decided by a person, unless the pack says how long to wait and nothing else.
    """
    cooling = pack.integer("exclusion.return_cooling_hours")
    ends = pack.text("exclusion.ends") or ("on_request" if cooling else "by_itself")
    needs_reason = pack.flag("exclusion.revoke_needs_reason")
    answer_days = pack.integer("exclusion.revoke_answer_days") or 0
    return ExclusionTerms(
        zone=pack.timezone,
        panic_hours=pack.integer("exclusion.panic_hours") or 24,
        breaks=pack.texts("exclusion.breaks"),
        terms=pack.texts("exclusion.terms"),
        any_term=pack.flag("exclusion.any_term"),
        shortest=pack.text("exclusion.min_term") or pack.text("registers.exclusion_min_term"),
        longest_offered=pack.text("exclusion.longest_offered"),
        usual=pack.text("exclusion.default_term"),
        third_party_shortest=pack.text("exclusion.third_party_min_term"),
        ending=Ending.ON_REQUEST if ends == "on_request" else Ending.EXPIRES,
        early_end=pack.flag("exclusion.early_revoke"),
        indefinite_earliest=pack.text("exclusion.indefinite_min_term"),
        delay_hours=pack.integer("exclusion.revoke_definite_hours") or cooling or 0,
        indefinite_delay_hours=pack.integer("exclusion.revoke_indefinite_hours") or cooling or 0,
        needs_reason=needs_reason,
        reviewed=needs_reason or bool(answer_days) or not cooling,
        answer_days=answer_days,
        closes_permanent=pack.flag("exclusion.permanent_closes_account"),
        close_hours=pack.integer("exclusion.close_and_refund_hours") or 0,
        refunds_open_bets=pack.flag("exclusion.refund_open_bets"),
    )


def effect_of_request(terms: ExclusionTerms, *, indefinite: bool, accepted_at: datetime) -> datetime:
    """When an accepted request ends the exclusion."""
    return accepted_at + timedelta(hours=terms.indefinite_delay_hours if indefinite else terms.delay_hours)
