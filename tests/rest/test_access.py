"""Who may call what."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client as Browser

from kernel.rest import tokens
from kernel.scopes import IMPLIED, SCOPES
from pms.identity import ensure_client
from tests.factories import make_player
from tests.pms.access_world import everything_stored
from tests.rest.conftest import SECRET, Api, problem

pytestmark = pytest.mark.usefixtures("db")

ID = str(uuid4())
ENDPOINTS = [
    ("GET", "players", "players:read"),
    ("POST", "players", "players:write"),
    ("POST", "players/find", "players:personal"),
    ("GET", f"players/{ID}", "players:read"),
    ("PATCH", f"players/{ID}", "players:write"),
    ("POST", f"players/{ID}/status", "players:status"),
    ("GET", f"players/{ID}/labels", "players:read"),
    ("GET", f"players/{ID}/consents", "players:read"),
    ("GET", f"players/{ID}/restrictions", "players:read"),
    ("POST", f"players/{ID}/restrictions", "restrictions:write"),
    ("POST", f"players/{ID}/restrictions/{ID}/lift", "restrictions:write"),
    ("GET", f"players/{ID}/balance", "wallet:read"),
    ("GET", f"players/{ID}/transactions", "wallet:read"),
    ("GET", f"players/{ID}/transactions.csv", "wallet:read"),
    ("GET", f"players/{ID}/rounds", "wallet:read"),
    ("GET", "compliance/approvals", "compliance:read"),
    ("GET", "compliance/kyc/cases", "compliance:read"),
    ("POST", "compliance/kyc/cases", "compliance:write"),
    ("GET", f"compliance/kyc/cases/{ID}", "compliance:read"),
    ("GET", f"players/{ID}/limits", "compliance:read"),
    ("PUT", f"players/{ID}/limits", "compliance:write"),
    ("GET", f"players/{ID}/play-session", "compliance:read"),
    ("POST", f"players/{ID}/play-session/reality-check", "compliance:write"),
    ("GET", f"players/{ID}/game-rules", "compliance:read"),
    ("GET", f"compliance/approvals/{ID}", "compliance:read"),
    ("GET", "compliance/decisions", "compliance:read"),
    ("GET", "compliance/exclusions", "compliance:read"),
    ("POST", "compliance/exclusions", "compliance:write"),
    ("GET", f"compliance/exclusions/{ID}", "compliance:read"),
    ("POST", f"compliance/exclusions/{ID}/end-requests", "compliance:write"),
    ("GET", f"players/{ID}/exclusion-offers", "compliance:read"),
    ("GET", f"players/{ID}/register-checks", "compliance:read"),
    ("POST", "wallet/plays", "bets:write"),
    ("POST", "wallet/bets", "bets:write"),
    ("POST", "wallet/bets:batch", "bets:write"),
    ("POST", "wallet/wins", "bets:write"),
    ("POST", "wallet/rollbacks", "bets:write"),
    ("POST", "wallet/rounds/close", "bets:write"),
    ("POST", "wallet/jackpot-wins", "bets:write"),
    ("GET", "wallet/jackpots", "wallet:read"),
    ("POST", "wallet/free-bets", "bets:write"),
    ("POST", "wallet/free-spins", "wallet:write"),
    ("POST", "wallet/free-spins/forfeits", "wallet:write"),
    ("GET", f"players/{ID}/free-spins", "wallet:read"),
    ("POST", "wallet/tournaments/buy-ins", "bets:write"),
    ("POST", "wallet/tournaments/rebuys", "bets:write"),
    ("POST", "wallet/tournaments/settlements", "bets:write"),
    ("POST", "wallet/tournaments/refunds", "bets:write"),
    ("GET", "wallet/withdrawals/fee", "wallet:read"),
    ("POST", "wallet/holds", "bets:write"),
    ("GET", f"wallet/holds/{ID}", "wallet:read"),
    ("POST", f"wallet/holds/{ID}/capture", "bets:write"),
    ("POST", f"wallet/holds/{ID}/release", "bets:write"),
    ("GET", f"players/{ID}/holds", "wallet:read"),
    ("POST", "wallet/deposits", "payments:write"),
    ("GET", f"wallet/deposits/{ID}", "wallet:read"),
    ("POST", f"wallet/deposits/{ID}/cancel", "payments:write"),
    ("POST", "wallet/instruments", "payments:write"),
    ("POST", "wallet/withdrawals", "payments:write"),
    ("GET", f"wallet/withdrawals/{ID}", "wallet:read"),
    ("POST", f"wallet/withdrawals/{ID}/cancel", "payments:write"),
    ("GET", f"players/{ID}/instruments", "wallet:read"),
    ("GET", f"players/{ID}/withdrawals", "wallet:read"),
    ("GET", "wallet/game-sessions", "wallet:read"),
    ("POST", "wallet/game-sessions", "game-sessions:write"),
    ("GET", f"wallet/game-sessions/{ID}", "wallet:read"),
    ("POST", f"wallet/game-sessions/{ID}/revoke", "game-sessions:write"),
    ("GET", "wallet/games", "wallet:read"),
    ("GET", "bonuses/offers", "bonuses:read"),
    ("GET", f"bonuses/offers/{ID}", "bonuses:read"),
    ("PUT", f"bonuses/offers/{ID}", "bonuses:write"),
    ("GET", f"bonuses/offers/{ID}/versions", "bonuses:read"),
    ("POST", f"bonuses/offers/{ID}/pause", "bonuses:write"),
    ("POST", "bonuses/grants", "bonuses:write"),
    ("GET", f"bonuses/grants/{ID}", "bonuses:read"),
    ("POST", f"bonuses/grants/{ID}/forfeit", "bonuses:write"),
    ("POST", "bonuses/code-batches", "bonuses:write"),
    ("GET", f"bonuses/code-batches/{ID}", "bonuses:read"),
    ("GET", f"bonuses/code-batches/{ID}/codes.csv", "bonuses:write"),
    ("POST", f"bonuses/code-batches/{ID}/close", "bonuses:write"),
    ("POST", "bonuses/lists", "bonuses:write"),
    ("GET", f"bonuses/lists/{ID}", "bonuses:read"),
    ("GET", f"players/{ID}/bonuses", "bonuses:read"),
    ("GET", f"players/{ID}/bonuses/eligibility", "bonuses:read"),
    ("GET", "loyalty/levels", "loyalty:read"),
    ("GET", f"loyalty/{ID}", "loyalty:read"),
    ("GET", f"loyalty/{ID}/points", "loyalty:read"),
    ("GET", f"loyalty/{ID}/accruals", "loyalty:read"),
    ("GET", f"loyalty/{ID}/level-changes", "loyalty:read"),
    ("GET", "loyalty/programmes", "loyalty:read"),
    ("GET", f"loyalty/programmes/{ID}/versions", "loyalty:read"),
    ("GET", "loyalty/campaigns", "loyalty:read"),
    ("POST", "loyalty/campaigns", "loyalty:write"),
    ("POST", f"loyalty/campaigns/{ID}/end", "loyalty:write"),
    ("POST", "loyalty/status/update", "loyalty:write"),
    ("POST", "loyalty/points/add", "loyalty:write"),
    ("GET", f"loyalty/{ID}/catalogue", "loyalty:read"),
    ("GET", f"loyalty/{ID}/redemptions", "loyalty:read"),
    ("POST", f"loyalty/{ID}/redemptions", "loyalty:write"),
    ("GET", f"loyalty/redemptions/{ID}", "loyalty:read"),
    ("POST", f"loyalty/redemptions/{ID}/confirm", "loyalty:write"),
    ("POST", f"loyalty/redemptions/{ID}/reject", "loyalty:write"),
]
# For a player's own token; no client's opens them (tests/identity tries another player's ids in each).
PLAYERS_OWN = [
    ("GET", "me/profile"),
    ("PATCH", "me/profile"),
    ("GET", "me/preferences"),
    ("PATCH", "me/preferences"),
    ("GET", "me/changes"),
    ("GET", "me/consents"),
    ("PATCH", "me/consents"),
    ("GET", "me/consents/history"),
    ("GET", "me/restrictions"),
    ("GET", "me/labels"),
    ("GET", "me/exclusion-offers"),
    ("GET", "me/exclusions"),
    ("POST", "me/exclusions"),
    ("POST", "me/exclusions/panic"),
    ("POST", f"me/exclusions/{ID}/end-requests"),
    ("GET", "me/limits"),
    ("PUT", "me/limits"),
    ("POST", "me/limits/prompt"),
    ("DELETE", f"me/limits/changes/{ID}"),
    ("POST", f"me/limits/changes/{ID}/confirm"),
    ("GET", "me/play-session"),
    ("POST", "me/play-session/reality-check"),
    ("POST", "me/play-session/activity"),
    ("DELETE", "me/play-session/activity"),
    ("GET", "me/login-summary"),
    ("POST", "me/login-summary"),
    ("GET", "me/play-settings"),
    ("PATCH", "me/play-settings"),
    ("GET", "me/sessions"),
    ("DELETE", "me/sessions"),
    ("DELETE", f"me/sessions/{ID}"),
    ("GET", "me/devices"),
    ("PUT", f"me/devices/{ID}/trust"),
    ("DELETE", f"me/devices/{ID}/trust"),
    ("GET", "me/sms-factor"),
    ("PUT", "me/sms-factor"),
    ("DELETE", "me/sms-factor"),
    ("GET", "me/balance"),
    ("GET", "me/transactions"),
    ("GET", "me/transactions.csv"),
    ("GET", "me/rounds"),
    ("GET", "me/instruments"),
    ("POST", "me/instruments"),
    ("GET", "me/deposits"),
    ("POST", "me/deposits"),
    ("GET", f"me/deposits/{ID}"),
    ("POST", f"me/deposits/{ID}/cancel"),
    ("GET", "me/withdrawals"),
    ("POST", "me/withdrawals"),
    ("GET", "me/withdrawals/fee"),
    ("GET", f"me/withdrawals/{ID}"),
    ("POST", f"me/withdrawals/{ID}/cancel"),
    ("GET", "me/bonuses"),
    ("GET", "me/bonuses/offers"),
    ("POST", "me/bonuses/codes"),
    ("POST", f"me/bonuses/{ID}/claim"),
    ("POST", f"me/bonuses/{ID}/forfeit"),
    ("GET", "me/loyalty"),
    ("GET", "me/loyalty/points"),
    ("GET", "me/loyalty/levels"),
    ("GET", "me/loyalty/catalogue"),
    ("GET", "me/loyalty/redemptions"),
    ("POST", "me/loyalty/redemptions"),
    ("GET", "me/loyalty/level-changes"),
    ("GET", "me/verification"),
    ("POST", "me/verification/check"),
    ("POST", "me/verification/grace"),
    ("GET", "me/verification/documents"),
    ("POST", "me/verification/documents"),
]
OPEN_TO_ALL = [("GET", "registration-fields")]


def call(api: Api, method: str, path: str):  # type: ignore[no-untyped-def]
    calls = {
        "GET": api.get,
        "POST": lambda p: api.post(p, {}),
        "PATCH": lambda p: api.patch(p, {}),
        "PUT": lambda p: api.put(p, {}),
    }
    return calls[method](path)


def forged(token: str, **changes: object) -> str:
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "==")) | changes
    return f"{header}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{signature}"


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything_stored()
    yield
    after = everything_stored()
    assert {name for name in after if after[name] != before[name]} == set(), "a denied request changed something"


def test_every_endpoint_wants_a_token_and_exactly_its_scope(token_for: Callable[..., str]) -> None:
    with nothing_changes():
        for method, path, _ in ENDPOINTS:
            body = problem(call(Api(""), method, path), 401, "not_authenticated")
            assert "Bearer" in body["detail"]
    for scope in SCOPES:
        wide = {wide for wide, narrow in IMPLIED.items() if scope in narrow}
        everything_else = Api(token_for(*(SCOPES.keys() - {scope} - wide), client_id="others"))
        only_this = Api(token_for(scope, client_id="one"))
        everything_else.get("players")  # notes that the client was here
        with nothing_changes():
            for method, path, needed in ENDPOINTS:
                if needed == scope:
                    refused = problem(call(everything_else, method, path), 403, "access_denied")
                    assert scope in refused["detail"]
        for method, path, needed in ENDPOINTS:
            if needed in {scope, *IMPLIED.get(scope, ())}:
                assert call(only_this, method, path).status_code not in (401, 403, 405), (scope, path)


def test_a_wide_scope_brings_its_narrow_ones_and_they_nothing_more(token_for: Callable[..., str]) -> None:
    player = make_player()
    hold = {"kind": "bonus_block", "reason": "x", "source": "test"}
    wide, narrow = Api(token_for("players:write")), Api(token_for("restrictions:write", client_id="holds"))
    for api in (wide, narrow):
        assert api.post(f"players/{player.id}/restrictions", hold).status_code == 201
    with nothing_changes():
        problem(narrow.patch(f"players/{player.id}", {"city": "Graz"}), 403, "access_denied")
        problem(narrow.post(f"players/{player.id}/status", {"status": "closed", "reason": "x"}), 403, "access_denied")
    # A wide scope that is taken away takes along what came with it.
    ensure_client(client_id="casino", secret=SECRET, name="Casino", scopes=["players:status"])
    tokens.forget_tokens()
    problem(wide.post(f"players/{player.id}/restrictions", hold), 403, "access_denied")


def test_every_address_of_the_api_is_in_the_list_above() -> None:
    described = Browser().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    paths = {
        (method.upper(), path.removeprefix("/api/v1/"))
        for path, methods in described["paths"].items()
        if path.startswith("/api/v1/")
        for method in methods
    }
    listed = {(method, path) for method, path, _ in ENDPOINTS} | {*PLAYERS_OWN, *OPEN_TO_ALL}
    assert {(method, re.sub(r"\{\w+\}", ID, path)) for method, path in paths} == listed


def test_the_player_api_takes_no_client_and_nobody(token_for: Callable[..., str]) -> None:
    everything = token_for(*SCOPES)
    Api(everything).get("players")  # notes that the client was here
    for token in ("", everything):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with nothing_changes():
            for method, path in PLAYERS_OWN:
                answer = Browser().generic(method, f"/api/v1/{path}", "{}", "application/json", headers=headers)
                problem(answer, 401, "not_authenticated")


def test_the_answer_to_no_token_says_what_to_send(db: None) -> None:
    assert Api("").get("wallet/games")["WWW-Authenticate"].startswith("Bearer")
    browser = Browser()
    for header in (
        "Basic Y2FzaW5vOnNlY3JldA==",
        "Bearer",
        "Bearer ",
        "Bearer a.b.c",
        "Bearer é",
        "Bearer " + "x" * 9000,
    ):
        answer = browser.get("/api/v1/wallet/games", headers={"Authorization": header})
        problem(answer, 401, "not_authenticated")


def test_forged_tokens_never_reach_the_database(
    token_for: Callable[..., str], django_assert_num_queries: Callable[..., object]
) -> None:
    good = token_for("wallet:read")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    header = jwt.get_unverified_header(good)
    claims = jwt.decode(good, options={"verify_signature": False})
    bad = [
        good[:-8] + "AAAAAAAA",
        forged(good, client_id="root"),
        forged(good, scope="players:write"),
        jwt.encode(claims, stranger, algorithm="RS256", headers={"kid": header["kid"]}),
        jwt.encode(claims, None, algorithm="none", headers={"kid": header["kid"]}),
        jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": header["kid"]}),
    ]
    with django_assert_num_queries(0):
        for token in bad:
            problem(Api(token).get("wallet/games"), 401, "not_authenticated")
    assert Api(good).get("wallet/games").status_code == 200


def test_a_token_expires(token_for: Callable[..., str]) -> None:
    api = Api(token_for("wallet:read"))
    assert api.get("wallet/games").status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=3590)):
        assert api.get("wallet/games").status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=3601)):
        problem(api.get("wallet/games"), 401, "not_authenticated")


def test_a_revoked_token_is_refused_within_half_a_minute(token_for: Callable[..., str]) -> None:
    api = Api(token_for("wallet:read"))
    assert api.get("wallet/games").status_code == 200
    answer = Browser().post(
        "/identity/o/api/revoke", {"token": api.token, "client_id": "casino", "client_secret": SECRET}
    )
    assert answer.status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=tokens.TRUSTED_SECONDS + 1)):
        problem(api.get("wallet/games"), 401, "not_authenticated")


def test_a_scope_taken_from_the_client_leaves_its_tokens(token_for: Callable[..., str]) -> None:
    api = Api(token_for("wallet:read", "players:read"))
    ensure_client(client_id="casino", secret=SECRET, name="Casino", scopes=["players:read"])
    problem(api.get("wallet/games"), 403, "access_denied")
    assert api.get("players").status_code == 200


def test_a_token_for_another_resource_is_refused(token_for: Callable[..., str]) -> None:
    token_for("wallet:read")
    data = {"grant_type": "client_credentials", "client_id": "casino", "client_secret": SECRET}
    for resource, status in (("https://elsewhere.example/", 401), ("http://testserver/api/v1/", 200)):
        token = Browser().post("/identity/o/api/token", data | {"resource": resource}).json()["access_token"]
        assert Api(token).get("wallet/games").status_code == status


def test_a_token_seen_before_costs_nothing(
    token_for: Callable[..., str], django_assert_num_queries: Callable[..., object]
) -> None:
    player = make_player()
    api = Api(token_for("wallet:read"))
    with django_assert_num_queries(3):  # the token, its use noted, the balance
        api.get(f"players/{player.id}/balance")
    with django_assert_num_queries(1):
        api.get(f"players/{player.id}/balance")


def test_remembered_tokens_are_bounded(token_for: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TRUSTED", 3)
    for number in range(5):
        Api(token_for("wallet:read", client_id=f"client{number}")).get("wallet/games")
    assert [token.client_id for token in tokens._trusted.values()] == ["client2", "client3", "client4"]


def test_a_token_in_the_address_is_not_accepted(token_for: Callable[..., str]) -> None:
    token = token_for("wallet:read")
    problem(Api("").get("wallet/games", access_token=token), 401, "not_authenticated")
