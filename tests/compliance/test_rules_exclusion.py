"""Exclusions per jurisdiction: which lengths, when they end, when their end may be asked for. Boundary values of the rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.pack_files import load_packs
from compliance.rules_exclusion import (
    ExclusionTerms,
    TermRefused,
    check_term,
    course_of,
    effect_of_request,
    end_of,
    offers_of,
    terms_of,
)
from compliance.types_exclusion import Ending, ExclusionKind
from compliance.types_packs import EffectivePack
from tests.packs import pack_of

AT = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
DAY = timedelta(days=1)
SELF, PANIC, BREAK, OTHERS = (
    ExclusionKind.SELF,
    ExclusionKind.PANIC,
    ExclusionKind.COOLING_OFF,
    ExclusionKind.THIRD_PARTY,
)


def newest(pack_id: str) -> ExclusionTerms:
    """What the newest file of a pack says."""
    file = max(load_packs()[pack_id], key=lambda file: file.version)
    values = {key: sourced.value for key, sourced in file.values.items()}
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return terms_of(EffectivePack(pack_id, date(2020, 1, 1), None, file.timezone, file.currency, start, None, values))


def accepted(terms: ExclusionTerms, kind: ExclusionKind, term: str) -> bool:
    try:
        check_term(offers_of(terms)[kind], term, AT, terms.zone)
    except TermRefused:
        return False
    return True


FRANCE = terms_of(
    pack_of(
        {
            "exclusion.terms": ["24h", "1w", "1mo", "3mo", "6mo", "12mo", "3y"],
            "exclusion.ends": "by_itself",
        }
    )
)
ITALY = terms_of(
    pack_of(
        {
            "exclusion.terms": ["30d", "60d", "90d", "indefinite"],
            "exclusion.indefinite_min_term": "6mo",
            "exclusion.revoke_indefinite_hours": 168,
            "exclusion.return_cooling_hours": 168,
            "exclusion.ends": "by_itself",
        }
    )
)


@pytest.mark.rule(33)
@pytest.mark.parametrize(
    ("term", "taken"),
    [("6mo", True), ("5y", True), ("7mo", True), ("indefinite", True), ("5mo", False), ("180d", False), ("24h", False)],
)
def test_gb_nothing_shorter_than_six_months(term: str, taken: bool) -> None:
    assert accepted(newest("GB"), SELF, term) is taken


@pytest.mark.rule(33)
def test_gb_stays_until_the_person_asks_and_a_day_more() -> None:
    terms = newest("GB")
    course = course_of(offers_of(terms)[SELF], "6mo", AT, terms.zone, early_end=terms.early_end)
    assert (course.active_until, course.minimum_until) == (None, datetime(2026, 9, 14, 14, 9, 26, tzinfo=UTC))  # BST
    assert effect_of_request(terms, indefinite=False, accepted_at=AT) == AT + DAY


@pytest.mark.rule(34)
@pytest.mark.parametrize(
    ("kind", "term", "taken"),
    [
        *((SELF, term, True) for term in ("6mo", "1y", "5y")),
        *((SELF, term, False) for term in ("3mo", "2y", "indefinite", "1d")),
        *((BREAK, term, True) for term in ("1d", "1w", "1mo", "2mo", "3mo")),
        *((BREAK, term, False) for term in ("2d", "6mo", "24h")),
    ],
)
def test_on_offers_just_these(kind: ExclusionKind, term: str, taken: bool) -> None:
    assert accepted(newest("CA-ON"), kind, term) is taken


@pytest.mark.rule(34)
@pytest.mark.rule(12)
def test_on_gives_open_bets_back_and_closes_within_a_day() -> None:
    terms = newest("CA-ON")
    assert (terms.refunds_open_bets, terms.close_hours) == (True, 24)


@pytest.mark.rule(35)
@pytest.mark.parametrize(
    ("term", "taken"), [("29d", False), ("30d", True), ("31d", True), ("24h", False), ("indefinite", True)]
)
def test_dk_thirty_days_or_for_good(term: str, taken: bool) -> None:
    assert accepted(newest("DK"), SELF, term) is taken


@pytest.mark.rule(35)
def test_dk_dates() -> None:
    terms = newest("DK")
    offers = offers_of(terms)
    assert course_of(offers[PANIC], "24h", AT, terms.zone, early_end=False).active_until == AT + DAY
    assert course_of(offers[SELF], "30d", AT, terms.zone, early_end=False).active_until == AT + 30 * DAY
    for_good = course_of(offers[SELF], "indefinite", AT, terms.zone, early_end=False)
    assert for_good.active_until is None
    assert for_good.minimum_until == datetime(2027, 3, 14, 15, 9, 26, tzinfo=UTC)
    assert terms.closes_permanent


@pytest.mark.rule(36)
@pytest.mark.parametrize(
    ("kind", "term", "taken"),
    [
        (SELF, "3mo", True),
        (SELF, "2mo", False),
        (SELF, "91d", False),  # from the middle of March three months are 92 days
        (SELF, "92d", True),
        (OTHERS, "12mo", True),
        (OTHERS, "11mo", False),
        (OTHERS, "364d", False),
        (PANIC, "24h", True),
        (PANIC, "48h", False),
    ],
)
def test_de_lengths(kind: ExclusionKind, term: str, taken: bool) -> None:
    assert accepted(newest("DE"), kind, term) is taken


@pytest.mark.rule(36)
def test_de_never_ends_by_itself_but_for_the_button() -> None:
    terms = newest("DE")
    offers = offers_of(terms)
    assert offers[SELF].usual == "12mo"
    for kind, term in ((SELF, "3mo"), (SELF, "12mo"), (OTHERS, "12mo")):
        assert course_of(offers[kind], term, AT, terms.zone, early_end=False).active_until is None
    assert course_of(offers[PANIC], "24h", AT, terms.zone, early_end=False).active_until == AT + DAY


@pytest.mark.rule(37)
@pytest.mark.parametrize(
    ("terms", "offered", "refused"),
    [
        ("SE", ("1mo", "3mo", "6mo", "indefinite"), ("2mo", "12mo", "30d")),
        (FRANCE, ("24h", "12mo", "3y"), ("23h", "13mo", "2y", "indefinite")),
        (ITALY, ("30d", "60d", "90d", "indefinite"), ("29d", "45d", "6mo")),
    ],
)
def test_lengths_of_se_fr_it(terms: str | ExclusionTerms, offered: tuple[str, ...], refused: tuple[str, ...]) -> None:
    found = newest(terms) if isinstance(terms, str) else terms
    assert [term for term in offered if not accepted(found, SELF, term)] == []
    assert [term for term in refused if accepted(found, SELF, term)] == []


@pytest.mark.rule(37)
def test_se_without_an_end_stands_for_a_year_and_nothing_ends_early() -> None:
    terms = newest("SE")
    offers = offers_of(terms)
    assert course_of(offers[SELF], "indefinite", AT, terms.zone, early_end=terms.early_end).minimum_until == datetime(
        2027, 3, 14, 15, 9, 26, tzinfo=UTC
    )
    month = course_of(offers[SELF], "1mo", AT, terms.zone, early_end=terms.early_end)
    assert month.minimum_until == month.active_until == datetime(2026, 4, 14, 14, 9, 26, tzinfo=UTC)  # summer time


@pytest.mark.rule(37)
def test_it_without_an_end_may_be_revoked_after_six_months_and_holds_seven_days_more() -> None:
    for_good = course_of(offers_of(ITALY)[SELF], "indefinite", AT, ITALY.zone, early_end=ITALY.early_end)
    assert for_good.minimum_until == datetime(2026, 9, 14, 15, 9, 26, tzinfo=UTC)
    assert effect_of_request(ITALY, indefinite=True, accepted_at=AT) == AT + 7 * DAY


@pytest.mark.rule(38)
def test_mt_revocation() -> None:
    terms = newest("MT")
    assert (terms.needs_reason, terms.reviewed, terms.answer_days) == (True, True, 7)
    assert course_of(offers_of(terms)[SELF], "6mo", AT, terms.zone, early_end=terms.early_end).minimum_until is None
    assert effect_of_request(terms, indefinite=False, accepted_at=AT) == AT + timedelta(hours=24)
    assert effect_of_request(terms, indefinite=True, accepted_at=AT) == AT + 7 * DAY


@pytest.mark.rule(10)
def test_nl_follows_the_register() -> None:
    terms = newest("NL")
    assert accepted(terms, SELF, "6mo")
    assert not accepted(terms, SELF, "5mo")


def test_where_no_pack_speaks_the_house_has_offers() -> None:
    offers = offers_of(ExclusionTerms())
    assert offers[BREAK].terms == ("1d", "1w", "1mo")
    assert "indefinite" in offers[SELF].terms
    assert offers[PANIC].terms == ("24h",)
    assert offers[SELF].ending is Ending.EXPIRES


@pytest.mark.parametrize(
    ("term", "start", "zone", "end"),
    [
        # The night in which Berlin's clocks go forward: a month is a month on the wall, a day is 24 hours.
        ("1mo", (2026, 2, 28, 23, 30), "Europe/Berlin", (2026, 3, 31, 22, 30)),
        ("1d", (2026, 3, 28, 12, 0), "Europe/Berlin", (2026, 3, 29, 12, 0)),
        ("6mo", (2026, 8, 31, 10, 0), "UTC", (2027, 2, 28, 10, 0)),
        ("1y", (2024, 2, 29, 10, 0), "UTC", (2025, 2, 28, 10, 0)),
        ("1w", (2026, 12, 30, 0, 0), "UTC", (2027, 1, 6, 0, 0)),
    ],
)
def test_ends(term: str, start: tuple[int, ...], zone: str, end: tuple[int, ...]) -> None:
    assert end_of(term, datetime(*start, tzinfo=UTC), zone) == datetime(*end, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize("term", ["", "6", "0d", "6 mo", "-1d", "mo", "1000y", "forever", "١d"])
def test_what_is_no_length(term: str) -> None:
    with pytest.raises(TermRefused):
        end_of(term, AT, "UTC")


@given(st.integers(0, 30 * 365 * 24), st.integers(1, 120))
def test_months_grow(hour: int, months: int) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
    shorter, longer = end_of(f"{months}mo", start, "Europe/London"), end_of(f"{months + 1}mo", start, "Europe/London")
    assert shorter is not None
    assert longer is not None
    assert start + timedelta(days=27 * months) < shorter < longer
