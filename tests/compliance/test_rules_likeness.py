"""When two records are one person: spelling, accents, order, sound and slips of the pen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.rules_likeness import Person, are_close, compare, fold_email, fold_postcode, spell, within_one_slip
from compliance.types_exclusion import Likeness

ANNA = Person(
    first_name="Anna", last_name="Müller", birth_date=date(1990, 4, 7), postcode="10115", email="anna@example.com"
)

pytestmark = pytest.mark.rule(4)


@pytest.mark.parametrize(
    ("first", "last", "postcode"),
    [
        ("Anna", "Müller", "10115"),
        ("ANNA", "mueller", "D-10115"),
        ("Ánna", "Muller", "10 115"),
        ("Müller", "Anna", "10115"),
        ("anna ", "MÜLLER", "10115"),
    ],
)
def test_one_person_in_another_spelling(first: str, last: str, postcode: str) -> None:
    other = replace(ANNA, first_name=first, last_name=last, postcode=postcode, email="other@example.com")
    assert compare(ANNA, other)[0] is Likeness.SAME


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({"postcode": "80331"}, "name"),
        ({"last_name": "Muehler"}, "similar_name"),
        ({"last_name": "Mülelr"}, "similar_name"),
        ({"birth_date": date(1990, 7, 4), "postcode": ""}, "birth_date"),
        ({"first_name": "Clara", "last_name": "Schmidt", "email": "a.nna+2@example.com"}, ""),
        ({"birth_date": date(1971, 1, 1), "email": "anna+casino@example.com"}, "email"),
    ],
)
def test_what_a_person_must_look_at(change: dict[str, object], sign: str) -> None:
    likeness, signs = compare(ANNA, replace(ANNA, **{"email": "else@example.com", **change}))
    if sign:
        assert likeness is Likeness.LIKELY
        assert sign in signs
    else:
        assert likeness is None


@pytest.mark.parametrize(
    "change",
    [
        {"first_name": "Bernd", "last_name": "Schmidt"},  # born on the same day in the same street
        {"birth_date": date(1991, 4, 7), "postcode": "80331"},  # the name alone: there are many
        {"first_name": "Clara"},  # sisters
    ],
)
def test_who_is_somebody_else(change: dict[str, object]) -> None:
    assert compare(ANNA, replace(ANNA, **{"email": "else@example.com", **change}))[0] is None


def test_twins_with_names_alike_are_looked_at_and_never_the_same() -> None:
    maria, mario = replace(ANNA, first_name="Maria"), replace(ANNA, first_name="Mario", email="m@example.com")
    assert compare(maria, mario)[0] is Likeness.LIKELY


def test_the_national_number_outweighs_everything() -> None:
    one = replace(ANNA, national_id="850709-9805")
    other = Person(first_name="Eve", last_name="Else", birth_date=date(1970, 1, 1), national_id="850709-9805")
    assert compare(one, other) == (Likeness.SAME, ("national_id",))


def test_a_device_and_a_birth_date_are_a_case() -> None:
    one = replace(ANNA, devices=frozenset({b"x"}))
    other = replace(one, first_name="Eve", last_name="Else", email="e@example.com")
    assert compare(one, other)[0] is Likeness.LIKELY


def test_empty_fields_are_no_sign() -> None:
    nobody = Person(first_name="", last_name="", birth_date=None)
    assert compare(nobody, nobody) == (None, ())


@pytest.mark.parametrize(
    ("one", "other", "close"),
    [
        ("Meyer", "Maier", True),
        ("Schmidt", "Schmitt", True),
        ("Łukasz", "Lukas", True),
        ("Philip", "Filip", True),
        ("Schwarz", "Weiss", False),
        ("Li", "Lu", False),
        ("Jan", "Jon", False),
    ],
)
def test_names_that_are_close(one: str, other: str, close: bool) -> None:
    assert are_close(one, other) is close


def test_folding() -> None:
    assert spell("Ørsted Åse") == spell("Aase Oersted") == spell("orsted ase")
    assert [fold_postcode(text) for text in ("D-10115", "SE-111 22", "sw1a 1aa", "1012 AB")] == [
        "10115",
        "11122",
        "SW1A1AA",
        "1012AB",
    ]
    assert fold_email("A.n.n.a+x@GoogleMail.com") == "anna@gmail.com"


@given(st.text("abcdef", min_size=1, max_size=8), st.integers(0, 7), st.sampled_from("abcdefz"))
def test_one_slip_is_found_and_two_are_not(word: str, place: int, letter: str) -> None:
    place %= len(word)
    assert within_one_slip(word, word[:place] + letter + word[place + 1 :])
    assert within_one_slip(word, word[:place] + word[place + 1 :])
    assert within_one_slip(word[:place] + letter + word[place:], word)
    assert not within_one_slip(word, word + "yz")
