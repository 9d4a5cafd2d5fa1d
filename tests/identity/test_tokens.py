"""Access tokens, refresh tokens and what becomes of stolen ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.conf import settings as django_settings
from django.core import mail
from pytest_django import Settings

from events.selectors import list_player_events
from kernel.scopes import SCOPES
from players.selectors_identity import list_sessions
from tests.connections import in_parallel
from tests.identity.calls import PASSWORD, Program, logged_in, mailed_code, registered
from tests.identity.test_login import player_id
from tests.rest.conftest import problem, rsa_key

pytestmark = pytest.mark.usefixtures("db")
NEW_PASSWORD = "another umbrella 8 candles"


def unverified(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_an_access_token_lives_for_minutes_and_is_renewed() -> None:
    program, _ = registered()
    claims = unverified(program.access)
    assert claims["exp"] - claims["iat"] == 300
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=299)):
        assert program.api("GET", "me/profile").status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=302)):
        problem(program.api("GET", "me/profile"), 401, "not_authenticated")
        assert program.auth("GET", "account/authenticators").status_code == 401
        assert program.renew().status_code == 200
        assert program.api("GET", "me/profile").status_code == 200


@pytest.mark.rule(71)
def test_a_refresh_token_used_twice_ends_the_session_for_both() -> None:
    program, data = registered()
    thief = Program(refresh=program.refresh)
    assert program.renew().status_code == 200
    assert program.renew().status_code == 200
    assert thief.renew().status_code == 400
    problem(program.api("GET", "me/profile"), 401, "not_authenticated")
    assert program.renew().status_code == 400
    assert list_sessions(player_id(data))[0].end_reason == "refresh_token_reused"
    last = list_player_events(player_id(data), limit=1)[0]
    assert (last.type, last.payload["reason"]) == ("players.session-ended.v1", "refresh_token_reused")


def test_of_many_uses_at_once_at_most_one_succeeds() -> None:
    program, _ = registered()
    works: list[Callable[[], int]] = [lambda: Program(refresh=program.refresh).renew().status_code] * 8
    answers = in_parallel(works, 8)
    assert sorted(answers)[-7:] == [400] * 7


def test_a_refresh_token_is_no_access_token_and_the_other_way_round() -> None:
    program, _ = registered()
    swapped = Program(access=program.refresh, refresh=program.access)
    problem(swapped.api("GET", "me/profile"), 401, "not_authenticated")
    assert swapped.auth("GET", "account/authenticators").status_code == 401
    assert swapped.renew().status_code == 400
    assert program.api("GET", "me/profile").status_code == 200


def forgeries(good: str) -> dict[str, str]:
    """Tokens that somebody without our key could make of one of ours."""
    claims = unverified(good)
    ours = load_pem_private_key(django_settings.PLAYER_JWT_PRIVATE_KEYS[-1].encode(), None)
    public = ours.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[union-attr]
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    head, payload, signature = good.split(".")
    hmac_head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    import hashlib
    import hmac

    mac = hmac.digest(public, f"{hmac_head}.{payload}".encode(), hashlib.sha256)
    changed = base64.urlsafe_b64encode(json.dumps(claims | {"sub": str(uuid4())}).encode()).decode().rstrip("=")
    return {
        "no algorithm": jwt.encode(claims, None, "none"),
        "our public key as a secret": f"{hmac_head}.{payload}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}",
        "another key": jwt.encode(claims, stranger, "RS256"),
        "another subject": f"{head}.{changed}.{signature}",
        "no signature": f"{head}.{payload}.",
    }


def signed_but_wrong(good: str) -> dict[str, str]:
    """Tokens with our signature that say something else than they must."""
    claims = unverified(good)
    ours = load_pem_private_key(django_settings.PLAYER_JWT_PRIVATE_KEYS[-1].encode(), None)
    now = int(datetime.now(UTC).timestamp())
    wrong: dict[str, dict[str, Any]] = {
        "another audience": claims | {"aud": "somebody-else"},
        "another issuer": claims | {"iss": "somebody-else"},
        "no audience": {name: value for name, value in claims.items() if name != "aud"},
        "expired": claims | {"iat": now - 900, "exp": now - 1},
        "from the future": claims | {"iat": now + 600, "exp": now + 900},
        "never expires": {name: value for name, value in claims.items() if name != "exp"},
        "another session": claims | {"sid": str(uuid4())},
        "no session": claims | {"sid": "x"},
        "another player": claims | {"sub": str(uuid4())},
        "odd time": claims | {"exp": "tomorrow"},
    }
    return {name: jwt.encode(changed, ours, "RS256") for name, changed in wrong.items()}  # type: ignore[arg-type]


def test_altered_tokens_open_nothing() -> None:
    program, _ = registered()
    for name, token in {**forgeries(program.access), **signed_but_wrong(program.access)}.items():
        problem(Program(access=token).api("GET", "me/profile"), 401, "not_authenticated")
        assert Program(access=token).auth("GET", "account/authenticators").status_code == 401, name
    for name, token in {**forgeries(program.refresh), **signed_but_wrong(program.refresh)}.items():
        assert Program(refresh=token).renew().status_code == 400, name
    assert program.api("GET", "me/profile").status_code == 200
    assert program.renew().status_code == 200


def test_tokens_of_clients_and_of_players_do_not_serve_each_other(token_for: Callable[..., str]) -> None:
    program, data = registered()
    client = token_for(*SCOPES)
    problem(Program(access=client).api("GET", "me/profile"), 401, "not_authenticated")
    problem(program.api("GET", f"players/{player_id(data)}"), 401, "not_authenticated")
    assert Program(access=client).auth("GET", "account/authenticators").status_code == 401


def test_no_header_no_entry() -> None:
    for header in ("", "Basic YTpi", "Bearer", "Bearer ", "Bearer a.b.c", "Bearer é", "Bearer " + "x" * 9000):
        answer = Program().api("GET", "me/profile", Authorization=header)
        problem(answer, 401, "not_authenticated")
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_the_token_of_a_login_under_way_opens_nothing_once_it_is_complete() -> None:
    program, data = registered()
    early = program.session
    assert early
    assert Program(session=early).auth("GET", "account/authenticators").status_code == 410
    answer = logged_in(data)
    assert answer.session == ""


@pytest.mark.rule(71)
def test_after_a_password_change_only_this_session_goes_on() -> None:
    program, data = registered()
    thief = logged_in(data)
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert program.auth("POST", "account/password/change", body).status_code == 200
    problem(thief.api("GET", "me/profile"), 401, "not_authenticated")
    assert thief.auth("GET", "account/authenticators").status_code == 401
    assert thief.renew().status_code == 400
    assert program.api("GET", "me/profile").status_code == 200
    assert program.auth("GET", "account/authenticators").status_code == 200
    assert program.renew().status_code == 200
    assert program.auth("GET", "account/authenticators").status_code == 200
    assert Program().login("email", data["email"]).status_code == 400
    assert Program().login("email", data["email"], NEW_PASSWORD).status_code == 200
    assert "password" in mail.outbox[-2].subject.lower()


def test_after_a_reset_no_session_goes_on() -> None:
    program, data = registered()
    elsewhere = Program()
    elsewhere.auth("POST", "auth/password/request", {"email": data["email"]})
    code = mailed_code()
    answer = elsewhere.auth("POST", "auth/password/reset", {"key": code, "password": NEW_PASSWORD})
    assert answer.status_code == 401
    problem(program.api("GET", "me/profile"), 401, "not_authenticated")
    assert program.renew().status_code == 400
    again = elsewhere.auth("POST", "auth/password/reset", {"key": code, "password": "a third umbrella 9"})
    assert again.status_code == 409
    assert Program().login("email", data["email"], NEW_PASSWORD).status_code == 200


def test_a_reset_code_is_bound_to_who_asked_and_to_few_tries() -> None:
    _, data = registered()
    asked, other = Program(), Program()
    asked.auth("POST", "auth/password/request", {"email": data["email"]})
    code = mailed_code()
    assert other.auth("POST", "auth/password/reset", {"key": code, "password": NEW_PASSWORD}).status_code == 409
    for _ in range(3):
        asked.auth("POST", "auth/password/reset", {"key": "AAAA-AAAA", "password": NEW_PASSWORD})
    answer = asked.auth("POST", "auth/password/reset", {"key": code, "password": NEW_PASSWORD})
    assert answer.status_code == 409


def test_a_token_seen_before_costs_no_query(django_assert_num_queries: Callable[..., Any]) -> None:
    from django.test import RequestFactory

    from kernel.rest.player_tokens import find_player_token

    program, _ = registered()
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {program.access}"})
    assert find_player_token(request)
    with django_assert_num_queries(0):
        for _ in range(3):
            assert find_player_token(request)


def test_without_redis_open_sessions_go_on_and_ended_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    from players.services import sessions

    class Away:
        def __getattr__(self, name: str) -> Callable[..., None]:
            def fail(*args: object) -> None:
                raise redis.ConnectionError

            return fail

    program, data = registered()
    other = logged_in(data)
    monkeypatch.setattr(sessions, "cache", Away())
    assert program.api("GET", "me/profile").status_code == 200
    assert program.renew().status_code == 200
    rows = program.api("GET", "me/sessions").json()["items"]
    ended = next(row["id"] for row in rows if not row["current"])
    assert program.api("DELETE", f"me/sessions/{ended}").status_code == 200
    problem(other.api("GET", "me/profile"), 401, "not_authenticated")


def key_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_the_key_that_signs_is_changed_without_logging_anybody_out(settings: Settings) -> None:
    program, _ = registered()
    (old,), new = settings.PLAYER_JWT_PRIVATE_KEYS, rsa_key()
    before = Program(access=program.access)
    settings.PLAYER_JWT_PRIVATE_KEYS = [new, old]
    assert program.renew().status_code == 200
    assert key_of(program.access) == key_of(before.access), "known, and not used yet"
    settings.PLAYER_JWT_PRIVATE_KEYS = [old, new]
    assert before.api("GET", "me/profile").status_code == 200
    assert program.renew().status_code == 200, "the refresh token is one of the old key's"
    assert key_of(program.access) == key_of(program.refresh) != key_of(before.access)
    settings.PLAYER_JWT_PRIVATE_KEYS = [new]
    problem(before.api("GET", "me/profile"), 401, "not_authenticated")
    assert program.api("GET", "me/profile").status_code == 200


def test_a_token_names_no_key_that_is_not_ours(settings: Settings) -> None:
    program, _ = registered()
    (ours,), stranger = settings.PLAYER_JWT_PRIVATE_KEYS, rsa_key()
    claims = unverified(program.access)
    for key, kid, good in (
        (ours, None, True),  # from before keys had names
        (stranger, key_of(program.access), False),
        (stranger, "stranger", False),
        (stranger, None, False),
    ):
        token = jwt.encode(claims, key, "RS256", headers={"kid": kid} if kid else {})
        assert (Program(access=token).api("GET", "me/profile").status_code == 200) is good, (kid, good)
