"""Pages by keyset."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from kernel.rest.pagination import decode_cursor, encode_cursor
from tests.factories import AT, make_player
from tests.rest.conftest import Api, problem


def test_every_row_once_also_when_rows_arrive_meanwhile(api: Api) -> None:
    players = [make_player(at=AT + timedelta(minutes=number // 2)) for number in range(5)]  # some at the same moment
    path = "players?limit=2&country=DE"
    seen: list[str] = []
    while path:
        answer = api.get(path).json()
        seen += [player["id"] for player in answer["items"]]
        path = answer["next"]
        make_player(at=AT + timedelta(days=1))
    expected = sorted(players, key=lambda player: (player.registered_at, player.id), reverse=True)
    assert seen == [str(player.id) for player in expected]


def test_the_last_page_says_so_also_when_it_is_full(api: Api) -> None:
    for _ in range(2):
        make_player()
    assert api.get("players?limit=2").json()["next"] is None
    following = api.get("players?limit=1").json()["next"]
    assert following.startswith("http://testserver/api/v1/players?")
    assert "limit=1" in following


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "1.5", "9" * 400])
def test_limits(api: Api, limit: str) -> None:
    assert list(problem(api.get(f"players?limit={limit}"), 422, "validation_failed")["errors"]) == ["limit"]


def encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "====",
        "é",
        encoded(b"[]"),
        encoded(b"{"),
        encoded(b"null"),
        encoded(b"[" * 300),
        encoded(b"\xff\xfe"),
        encoded(b'["2026-03-14T15:09:26Z", "not an id"]'),
        encoded(b'["2026-03-14T15:09:26", "01a1fcdb-df81-7c60-8c66-b560273e89e3"]'),  # no time zone
        encoded(b'["2026-03-14T15:09:26Z", "01a1fcdb-df81-7c60-8c66-b560273e89e3", 1]'),
        encoded(b'["\' OR 1=1 --", "01a1fcdb-df81-7c60-8c66-b560273e89e3"]'),
        encoded(b'["01a1fcdb-df81-7c60-8c66-b560273e89e3"]'),  # another list's
    ],
)
def test_cursors_that_no_list_has_given(api: Api, cursor: str) -> None:
    problem(api.get("players", cursor=cursor), 400, "invalid_cursor")


def test_extreme_moments_in_a_cursor_are_only_early_and_late(api: Api) -> None:
    make_player()
    for moment, number in (("0001-01-01T00:00:00+14:00", 0), ("9999-12-31T23:59:59-14:00", 1)):
        cursor = encode_cursor([moment, "01a1fcdb-df81-7c60-8c66-b560273e89e3"])
        assert len(api.get("players", cursor=cursor).json()["items"]) == number


def test_a_cursor_is_longer_than_any_real_one(api: Api) -> None:
    problem(api.get("players", cursor="x" * 501), 422, "validation_failed")


def test_round_trip() -> None:
    assert decode_cursor(encode_cursor(["a", 1]), tuple[str, int]) == ("a", 1)
    assert decode_cursor("", tuple[str]) is None
