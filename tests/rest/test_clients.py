"""Service clients: rotation of secrets, addresses, ceilings, last use, and the switch; no ceiling fails open."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.core.cache import cache
from django.test import Client as Browser
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisAway

from kernel import clients
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind, system
from kernel.clients import ClientSettings
from kernel.errors import FieldErrors
from kernel.models_clients import ServiceClient
from kernel.rest import tokens
from tests.rest.conftest import SECRET, Api, problem

pytestmark = pytest.mark.usefixtures("db")

TOKEN_PATH = "/identity/o/api/token"
BOSS = system("test")
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
DATA = ClientSettings(name="Game server", scopes=("wallet:read", "wallet:write"))


def make(**changes: Any) -> str:
    """A client with a secret; the secret."""
    data = ClientSettings(**{"name": "Game server", "scopes": ("wallet:read",), **changes})
    clients.create_client(client_id="games", data=data, actor=BOSS, at=AT)
    return clients.issue_secret(client_id="games", grace=timedelta(0), actor=BOSS, at=AT)


def ask(secret: str, ip: str = "203.0.113.7", client_id: str = "games", **data: str) -> Any:
    body = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, **data}
    return Browser(REMOTE_ADDR=ip).post(TOKEN_PATH, body)


def get(token: str, ip: str = "203.0.113.7") -> Any:
    return Browser(REMOTE_ADDR=ip).get("/api/v1/wallet/games", headers={"Authorization": f"Bearer {token}"})


def test_two_secrets_are_good_until_the_old_one_has_ended() -> None:
    with time_machine.travel(AT, tick=False) as traveller:
        old = make()
        new = clients.issue_secret(client_id="games", grace=timedelta(hours=24), actor=BOSS, at=AT)
        assert old != new
        assert [ask(secret).status_code for secret in (old, new, "guess")] == [200, 200, 401]
        traveller.move_to(AT + timedelta(hours=23, minutes=59))
        assert ask(old).status_code == 200
        traveller.move_to(AT + timedelta(hours=24))
        assert [ask(secret).status_code for secret in (old, new)] == [401, 200]


def test_the_old_secret_may_be_ended_before_its_time_and_a_third_replaces_both() -> None:
    old = make()
    new = clients.issue_secret(client_id="games", grace=timedelta(days=30), actor=BOSS, at=clients_now())
    clients.end_old_secret(client_id="games", actor=BOSS, at=clients_now())
    assert [ask(secret).status_code for secret in (old, new)] == [401, 200]
    third = clients.issue_secret(client_id="games", grace=timedelta(0), actor=BOSS, at=clients_now())
    assert [ask(secret).status_code for secret in (old, new, third)] == [401, 401, 200]


def clients_now() -> datetime:
    return datetime.now(UTC)


def test_a_secret_is_kept_as_a_hash_only() -> None:
    secret = make()
    row = ServiceClient.objects.select_related("client").get(pk="games")
    assert secret not in row.client.secret
    assert row.client.secret.startswith("client_secrets$")
    assert len(secret) >= 43


def test_a_client_without_a_secret_gets_nothing() -> None:
    clients.create_client(client_id="games", data=DATA, actor=BOSS, at=AT)
    for guess in ("", "!", "x"):
        assert ask(guess).status_code == 401


def test_a_client_calls_from_its_addresses_only() -> None:
    secret = make(allowed_ips=("203.0.113.0/24", "2001:db8::1"))
    assert ask(secret, ip="198.51.100.1").json() == {"error": "invalid_client"}
    token = ask(secret).json()["access_token"]
    assert get(token).status_code == 200
    problem(get(token, ip="198.51.100.1"), 401, "not_authenticated")
    assert get(token, ip="2001:db8::1").status_code == 200


def test_disabling_ends_everything_at_once() -> None:
    secret = make()
    token = ask(secret).json()["access_token"]
    assert get(token).status_code == 200
    clients.disable_client(client_id="games", actor=BOSS, at=AT)
    problem(get(token), 401, "not_authenticated")
    assert ask(secret).json() == {"error": "invalid_client"}
    with pytest.raises(clients.ClientDisabled):
        clients.issue_secret(client_id="games", grace=timedelta(0), actor=BOSS, at=AT)
    clients.enable_client(client_id="games", actor=BOSS, at=AT)
    problem(get(token), 401, "not_authenticated")
    assert get(ask(secret).json()["access_token"]).status_code == 200


def test_another_process_notices_within_seconds(settings: Settings) -> None:
    secret = make()
    token = ask(secret).json()["access_token"]
    get(token)
    ServiceClient.objects.update(disabled_at=AT)  # as another process does it
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=tokens.TRUSTED_SECONDS + 1)):
        problem(get(token), 401, "not_authenticated")
    assert tokens.TRUSTED_SECONDS <= 5


def test_revoked_tokens_are_gone_and_new_ones_come() -> None:
    secret = make()
    token = ask(secret).json()["access_token"]
    assert clients.revoke_tokens(client_id="games", actor=BOSS, at=AT) == 1
    problem(get(token), 401, "not_authenticated")
    assert get(ask(secret).json()["access_token"]).status_code == 200


def test_a_clients_own_ceiling() -> None:
    with time_machine.travel(datetime.now(UTC).replace(second=1), tick=False):
        token = ask(make(requests_per_minute=3)).json()["access_token"]
        assert [get(token).status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize("redis_answers", [True, False])
def test_asking_for_tokens_has_a_ceiling_also_without_redis(
    redis_answers: bool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TOKEN_REQUESTS_PER_MINUTE = 3
    secret = make()
    if not redis_answers:

        def away(*args: object, **kwargs: object) -> None:
            raise RedisAway("no")

        monkeypatch.setattr(cache, "add", away)
        monkeypatch.setattr(cache, "incr", away)
    with time_machine.travel(datetime.now(UTC).replace(second=1), tick=False):
        answers = [ask("guess").status_code for _ in range(3)] + [ask(secret).status_code]
        assert answers == [401, 401, 401, 429], "guesses count, and the right secret comes too late"
        other = [ask("guess", client_id=f"unknown-{n}").status_code for n in range(10)]
        assert other[-1] == 429, "one address that tries many clients is slowed down too"


def test_last_use_is_noted_and_not_at_every_request(django_assert_num_queries: Callable[..., Any]) -> None:
    token = ask(make()).json()["access_token"]
    get(token)
    first = ServiceClient.objects.get(pk="games")
    assert first.last_used_at is not None
    assert first.last_used_ip == "203.0.113.7"
    tokens.forget_tokens()
    with django_assert_num_queries(2):  # the token, the list: no write
        get(token)
    later = datetime.now(UTC) + tokens.USE_NOTED_EVERY + timedelta(seconds=1)
    with time_machine.travel(later):
        get(token)
    assert ServiceClient.objects.get(pk="games").last_used_at > first.last_used_at  # type: ignore[operator]


def test_settings_are_checked_and_take_effect() -> None:
    token = ask(make()).json()["access_token"]
    wrong = ClientSettings(name=" ", scopes=("wallet:steal",), allowed_ips=("not an address",), requests_per_minute=0)
    with pytest.raises(FieldErrors) as refused:
        clients.change_client(client_id="games", data=wrong, actor=BOSS, at=AT)
    assert refused.value.errors.keys() == {"name", "scopes", "allowed_ips", "requests_per_minute"}
    fewer = ClientSettings(name="Game server", scopes=("loyalty:read",))
    clients.change_client(client_id="games", data=fewer, actor=BOSS, at=AT)
    problem(get(token), 403, "access_denied")


def test_only_some_staff_change_clients() -> None:
    make()
    nobody = Actor(ActorKind.STAFF, "7", frozenset({"kernel.view_serviceclient"}))
    for call in (
        lambda: clients.disable_client(client_id="games", actor=nobody, at=AT),
        lambda: clients.issue_secret(client_id="games", grace=timedelta(0), actor=nobody, at=AT),
        lambda: clients.revoke_tokens(client_id="games", actor=nobody, at=AT),
        lambda: clients.change_client(client_id="games", data=DATA, actor=nobody, at=AT),
    ):
        with pytest.raises(AccessDenied):
            call()


def test_the_server_describes_itself_by_both_standards() -> None:
    described = Browser().get("/.well-known/oauth-authorization-server").json()
    assert described["grant_types_supported"] == ["client_credentials"]
    assert described["token_endpoint"].endswith(TOKEN_PATH)
    assert "authorization_endpoint" not in described
    openid = Browser().get("/.well-known/openid-configuration").json()
    assert openid["issuer"] == described["issuer"]
    keys = jwt.PyJWKSet.from_dict(Browser().get("/.well-known/jwks.json").json())
    token = ask(make()).json()["access_token"]
    assert jwt.decode(token, keys[jwt.get_unverified_header(token)["kid"]], algorithms=["RS256"])


def test_the_token_endpoint_takes_posts_only_and_survives_nonsense() -> None:
    assert Browser().get(TOKEN_PATH).status_code == 405
    browser = Browser()
    for body in ({}, {"client_id": "\0"}, {"client_id": "x" * 5000, "grant_type": "client_credentials"}):
        assert browser.post(TOKEN_PATH, body).status_code in (400, 401)
    assert browser.post(TOKEN_PATH, "{", content_type="application/json").status_code in (400, 401)
    assert browser.post(TOKEN_PATH, {}, headers={"Authorization": "Basic ===="}).status_code in (400, 401)


def test_the_ways_of_a_client_that_was_never_registered_here_are_closed(token_for: Callable[..., str]) -> None:
    api = Api(token_for("wallet:read"))
    assert api.get("wallet/games").status_code == 200
    tokens.forget_tokens()
    ServiceClient.objects.filter(pk="casino").delete()
    problem(api.get("wallet/games"), 401, "not_authenticated")
    assert ask(SECRET, client_id="casino").status_code == 401
    assert json.loads(ask(SECRET, client_id="casino").content) == {"error": "invalid_client"}
