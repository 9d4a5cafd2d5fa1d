"""What may be said of a player's data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from players import rules
from players.rules import BLOCKS, STATUS_MOVES, Invalid
from players.types import PlayerAction, RestrictionKind, Status

TODAY = date(2026, 3, 14)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("ann@example.com", "ann@example.com"),
        ("  Ann@Example.COM ", "ann@example.com"),
        ("ａｎｎ@example.com", "ann@example.com"),
        ("ann+casino@mail.example.co.uk", "ann+casino@mail.example.co.uk"),
        ("jürgen@exämple.de", "jürgen@exämple.de"),
    ],
)
def test_one_mailbox_has_one_spelling(text: str, email: str) -> None:
    assert rules.normalise_email(text) == email


@pytest.mark.parametrize(
    "text",
    ["", "ann", "ann@", "@example.com", "ann@example", "a b@example.com", "ann@exa mple.com", "a@b@c.de",
     "ann@example.c", "ann@example.com\n.evil", "ann@example.com\x00", "<ann>@example.com", "x" * 65 + "@example.com",
     "ann@" + "x" * 260 + ".com"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        rules.normalise_email(text)


@given(st.text(max_size=60))
def test_normalising_an_address_twice_changes_nothing(text: str) -> None:
    try:
        once = rules.normalise_email(text + "@example.com")
    except Invalid:
        return
    assert rules.normalise_email(once) == once


@pytest.mark.parametrize("text", ["ab", "x" * 33, "-ann", "ann smith", "ännchen", "ann@home", "ann\n", ""])
def test_what_is_no_login_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        rules.normalise_login(text) if text != "ann\n" else rules.normalise_login("an\nn")


@pytest.mark.parametrize(
    ("text", "country", "phone"),
    [
        ("+49 151 12345678", "FR", "+4915112345678"),
        ("0151 12345678", "DE", "+4915112345678"),
        ("(020) 7946 0958", "GB", "+442079460958"),
        ("", "DE", ""),
    ],
)
def test_phones_are_kept_as_e164(text: str, country: str, phone: str) -> None:
    assert rules.normalise_phone(text, country) == phone


@pytest.mark.parametrize("text", ["12", "call me", "+49", "+999 123456789012345678", "0" * 1000])
def test_what_is_no_phone_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        rules.normalise_phone(text, "DE")


@pytest.mark.parametrize(
    ("born", "fine"),
    [
        (date(2008, 3, 14), True),  # eighteen today
        (date(2008, 3, 15), False),  # tomorrow
        (date(2004, 2, 29), True),
        (date(2026, 3, 15), False),
        (date(1900, 1, 1), False),
    ],
)
def test_players_are_adults(born: date, fine: bool) -> None:
    if fine:
        assert rules.check_birth_date(born, TODAY) == born
    else:
        with pytest.raises(Invalid):
            rules.check_birth_date(born, TODAY)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (rules.check_country, "DE", ["de", "XX", "DEU", ""]),
        (rules.check_language, "de-AT", ["DE", "german", "", "de_AT"]),
        (rules.check_time_zone, "Europe/Vienna", ["Vienna", "", "../etc/passwd"]),
        (rules.check_name, "Zoë O’Neill", ["a\x00b", "x" * 101, "line\nbreak"]),
    ],
)
def test_fields_are_checked(check: Callable[[str], str], good: str, bad: list[str]) -> None:
    assert check(good) == good
    for text in bad:
        with pytest.raises(Invalid):
            check(text)


def test_only_offered_currencies_are_taken() -> None:
    assert rules.check_currency("EUR", ["EUR", "SEK"]) == "EUR"
    with pytest.raises(Invalid, match="EUR, SEK"):
        rules.check_currency("USD", ["EUR", "SEK"])


def test_every_kind_of_restriction_blocks_something() -> None:
    assert BLOCKS.keys() == set(RestrictionKind)
    assert all(BLOCKS.values())


@pytest.mark.parametrize("kind", [RestrictionKind.SELF_EXCLUDED, RestrictionKind.COOLING_OFF])
def test_who_excluded_themselves_neither_plays_nor_hears_of_us_but_can_withdraw(kind: RestrictionKind) -> None:
    assert {PlayerAction.PLAY, PlayerAction.DEPOSIT, PlayerAction.BONUS, PlayerAction.MARKETING} <= set(BLOCKS[kind])
    assert PlayerAction.WITHDRAW not in BLOCKS[kind]


def test_an_erased_account_never_comes_back() -> None:
    assert STATUS_MOVES.keys() == set(Status)
    assert STATUS_MOVES[Status.ERASED] == frozenset()
    assert [status for status, moves in STATUS_MOVES.items() if Status.ERASED in moves] == []
