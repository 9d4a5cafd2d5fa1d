"""Card numbers are found in whatever form they come, and nothing else is taken for one."""

from __future__ import annotations

import json
import logging
from random import Random
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import uuid7
from kernel.pan import CardNumberFound, find_pan, holds_pan, mask_log, mask_pans, passes_luhn, refuse_pan

VISA = "4111111111111111"


@pytest.mark.parametrize(
    "text",
    [
        VISA,
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "my card is 4111111111111111, thanks",
        "4111 1111 1111 1111 12/28 123",
        "tok4111111111111111",
        "378282246310005",  # 15 digits
        "3782 822463 10005",
        "5555555555554444",
        "6304000000000000000",  # 19 digits
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "41 11 11 11 11 11 11 11",
        "no 1234 but 4111 1111 1111 1111",
    ],
)
def test_a_card_number_is_found(text: str) -> None:
    assert holds_pan(text)
    with pytest.raises(CardNumberFound):
        refuse_pan(text)
    assert not holds_pan(mask_pans(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111111111111112",  # wrong check digit
        "411111111111",  # too short
        "1763708400004",  # milliseconds
        "+4915112345678",
        "41111111111111111111111",  # too long
        "2026-11-21 07:16:31.123456",
        "01a1fcdb-df81-7c60-8812-411111111111",
        "sbx_01a1fcdbdf817c604111111111111111",
        "100 200 300 400 500",
    ],
)
def test_what_is_no_card_number_passes(text: str) -> None:
    assert not holds_pan(text)
    assert mask_pans(text) == text
    assert refuse_pan(text) == text


def test_identifiers_are_never_taken_for_cards() -> None:
    random = Random(4)
    ids = [uuid7() for _ in range(2000)] + [UUID(int=random.getrandbits(128), version=4) for _ in range(20_000)]
    assert [text for value in ids for text in (str(value), value.hex, f"ref_{value.hex}") if holds_pan(text)] == []


@given(st.text(alphabet="0123456789", min_size=14, max_size=17), st.sampled_from("345"), st.text(max_size=20))
def test_every_number_with_a_right_check_digit_is_found(digits: str, first: str, around: str) -> None:
    number = next(first + digits + check for check in "0123456789" if passes_luhn(first + digits + check))
    assert holds_pan(f"{around} #{number}# {around}")


def test_the_place_in_a_json_value_is_named() -> None:
    assert find_pan({"a": [{"b": VISA}]}) == "a.0.b"
    assert find_pan({"card": int(VISA)}) == "card"
    assert find_pan({VISA: 1}) == ""
    assert find_pan(VISA) == ""
    assert find_pan({"a": [1, True, None, 2.5, "x"]}) is None


def test_masking_keeps_the_last_four() -> None:
    assert mask_pans("pay 4111 1111 1111 1111 or 378282246310005!") == "pay [card ••1111] or [card ••0005]!"


def test_logs_are_masked_whoever_writes_them() -> None:
    ours = next(h for h in logging.getLogger().handlers if isinstance(h.formatter, structlog.stdlib.ProcessorFormatter))
    plain = logging.LogRecord("x", logging.WARNING, "x.py", 1, "paid with %s", (VISA,), None)
    assert json.loads(ours.format(plain))["event"] == "paid with [card ••1111]"
    event = mask_log(None, "warning", {"event": f"x {VISA}", "deep": {"list": [VISA]}, "n": 5})
    assert event == {"event": "x [card ••1111]", "deep": {"list": ["[card ••1111]"]}, "n": 5}
