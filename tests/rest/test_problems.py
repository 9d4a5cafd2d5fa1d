"""Every error is a complete problem, and none says more than it should."""

from __future__ import annotations

from unittest import mock

import pytest
import redis
from django.core.cache import cache
from pytest_django import Settings

from kernel.rest.throttling import ClientThrottle
from tests.factories import make_game, make_player
from tests.rest.conftest import Api, problem

PATHS = ["wallet/plays", "wallet/deposits"]  # one plain view, one of REST framework


def test_addresses_that_do_not_exist(api: Api) -> None:
    for path in ("/api/v1/nothing", "players/not-an-id", "players/", "/api/v2/players", "wallet/deposits/1 OR 1=1"):
        problem(api.get(path), 404, "not_found")
    assert api.get("/nothing")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", PATHS)
def test_the_wrong_method(api: Api, path: str) -> None:
    problem(api.get(path), 405, "method_not_allowed")
    answer = api.browser.options(f"/api/v1/{path}", headers=api._headers())
    problem(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b'{"player_id": NaN}',
        b'{"currency": "\\ud800"}',
        b'{"currency": "\xff\xfe"}',
        b'{"currency": "\xed\xa0\x80"}',
    ],
)
def test_bodies_that_are_not_json(api: Api, path: str, body: bytes) -> None:
    problem(api.post(path, body), 400, "malformed_body")


@pytest.mark.parametrize(
    "body", [b"[" * 20_000, b'{"a":' * 10_000, b'{"amount": 1} {"amount": 2}', b'{"amount": 1e999}']
)
def test_bodies_that_are_not_even_json_to_a_lenient_reader(api: Api, body: bytes) -> None:
    assert api.post("wallet/deposits", body).status_code in (400, 422)
    assert api.post("wallet/plays", body).status_code == 422


@pytest.mark.parametrize("path", PATHS)
def test_bodies_of_unknown_length(api: Api, path: str) -> None:
    chunked = {"Transfer-Encoding": "chunked", "Content-Length": ""}
    problem(api.post(path, b"{}", headers=chunked), 411, "length_missing")


def test_no_body_at_all(api: Api) -> None:
    problem(api.post("wallet/plays", b""), 415, "unsupported_media_type")
    problem(api.post("wallet/deposits", b""), 422, "validation_failed")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"[]", b"1", b'"text"', b"null", b"true"])
def test_bodies_that_are_not_an_object(api: Api, path: str, body: bytes) -> None:
    assert problem(api.post(path, body), 422, "validation_failed")["errors"]


@pytest.mark.parametrize("path", PATHS)
def test_other_media_types(api: Api, path: str) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        problem(api.post(path, b"{}", content_type=kind), 415, "unsupported_media_type")


@pytest.mark.parametrize("path", PATHS)
def test_bodies_that_are_too_large(api: Api, path: str) -> None:
    assert problem(api.post(path, b" " * 65_537), 413, "body_too_large")["max_bytes"] == 65_536
    problem(api.post(path, b'"' + b"x" * 10_000_000 + b'"'), 413, "body_too_large")
    problem(api.post(path, b"{}", headers={"Content-Length": "nonsense"}), 413, "body_too_large")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", [None, "", " ", "x" * 201, "tab\there", "schlüssel"])
def test_the_idempotency_key_is_needed(api: Api, path: str, key: str | None) -> None:
    body = problem(api.post(path, {}, headers={"Idempotency-Key": key}), 400, "idempotency_key_missing")
    assert body["header"] == "Idempotency-Key"


def test_registration_needs_the_key_too(api: Api) -> None:
    problem(api.post("players", {}, headers={"Idempotency-Key": None}), 400, "idempotency_key_missing")


def test_an_accept_header_that_cannot_be_served(api: Api) -> None:
    answer = api.browser.get("/api/v1/wallet/games", headers=api._headers() | {"Accept": "text/csv"})
    problem(answer, 406, "not_acceptable")


@pytest.mark.parametrize(
    ("path", "where"), [("balance", "wallet.rest.postings.get_balances"), ("labels", "players.rest.views.list_labels")]
)
def test_what_nobody_foresaw_is_logged_and_not_told(
    api: Api, path: str, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    player = make_player()
    with mock.patch(where, side_effect=RuntimeError("password=hunter2")):
        answer = api.get(f"players/{player.id}/{path}")
    problem(answer, 500, "internal_error")
    assert b"hunter2" not in answer.content
    assert "hunter2" in caplog.text


def test_a_problem_outside_of_the_views(api: Api) -> None:
    answer = api.browser.get("/api/v1/players", headers={"Host": "evil.example"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_the_catalogue_knows_the_codes(api: Api) -> None:
    known = api.get("/api/docs/problems").json()
    for code, status in (
        ("insufficient_funds", 422),
        ("idempotency_conflict", 409),
        ("not_authenticated", 401),
        ("unknown_player", 404),
        ("invalid_cursor", 400),
    ):
        assert known[code]["status"] == status


class TestThrottle:
    @pytest.fixture(autouse=True)
    def _few(self, settings: Settings) -> None:
        settings.API_REQUESTS_PER_MINUTE = 3
        ClientThrottle._local_window = 0

    def statuses(self, api: Api, number: int) -> list[int]:
        return [api.get("wallet/games").status_code for _ in range(number)]

    def test_a_client_gone_wild_is_slowed(self, api: Api) -> None:
        assert self.statuses(api, 4) == [200, 200, 200, 429]
        answer = api.get("wallet/games")
        problem(answer, 429, "throttled")
        assert 1 <= int(answer["Retry-After"]) <= 60

    def test_the_hot_path_is_not_counted(self, api: Api) -> None:
        player, game = make_player(), make_game()
        body = {"player_id": str(player.id), "game": game, "round": "r", "stake": "1.00", "currency": "EUR"}
        assert {api.post("wallet/bets", body).status_code for _ in range(8)} == {422}

    def test_without_redis_it_still_counts_and_says_so(self, api: Api, caplog: pytest.LogCaptureFixture) -> None:
        with mock.patch.object(cache, "add", side_effect=redis.ConnectionError("gone")):
            assert self.statuses(api, 4) == [200, 200, 200, 429]
        assert caplog.text.count("Redis does not answer") == 1
