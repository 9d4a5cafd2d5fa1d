"""What an approval binds and shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from compliance.rules import NotExact, check_exact, claim_stands, content_digest, differences

AT = datetime(2026, 3, 14, tzinfo=UTC)
PLAYER = UUID(int=1)


def test_the_digest_changes_with_every_part_and_not_with_the_order_of_keys() -> None:
    whole = ("k", PLAYER, {"a": 1, "b": 2}, {"x": "1"}, {"x": "2"})
    first = content_digest(*whole)
    assert first == content_digest("k", PLAYER, {"b": 2, "a": 1}, {"x": "1"}, {"x": "2"})
    others = [
        ("other", *whole[1:]),
        ("k", None, *whole[2:]),
        ("k", UUID(int=2), *whole[2:]),
        ("k", PLAYER, {"a": 1, "b": 3}, *whole[3:]),
        ("k", PLAYER, {"a": "1", "b": 2}, *whole[3:]),
        (*whole[:3], {"x": "0"}, whole[4]),
        (*whole[:4], {"x": "3"}),
        (*whole[:3], whole[4], whole[3]),
    ]
    assert len({first, *(content_digest(*other) for other in others)}) == 1 + len(others)


@pytest.mark.parametrize("value", [1.5, Decimal("1"), AT, {"a": [1.0]}, {1: "a"}, (1,), b"x"])
def test_what_json_cannot_carry_unchanged_is_refused(value: object) -> None:
    with pytest.raises(NotExact):
        check_exact(value)


def test_differences_name_what_comes_and_goes() -> None:
    rows = differences({"balance": "1", "note": "x", "same": 1}, {"balance": "2", "same": 1, "new": True})
    assert [(row.field, row.before, row.after, row.changed) for row in rows] == [
        ("balance", "1", "2", True),
        ("same", 1, 1, False),
        ("new", None, True, True),
        ("note", "x", None, True),
    ]


def test_a_claim_lapses_after_half_an_hour() -> None:
    assert not claim_stands(None, AT)
    assert claim_stands(AT, AT + timedelta(minutes=29, seconds=59))
    assert not claim_stands(AT, AT + timedelta(minutes=30))
