"""Service clients get access tokens with scopes, from standard endpoints."""

from __future__ import annotations

from collections.abc import Callable

import jwt
import pytest
from django.test import Client as Browser
from pytest_django import Settings

from kernel.rest.tokens import forget_tokens
from kernel.scopes import SCOPES
from pms.environment import issued_keys
from pms.identity import UnknownScope, ensure_client
from tests.rest.conftest import SECRET, Api, rsa_key

pytestmark = pytest.mark.usefixtures("db")

TOKEN_PATH = "/identity/o/api/token"


def ask(**data: str) -> tuple[int, dict[str, object]]:
    answer = Browser().post(
        TOKEN_PATH,
        {"grant_type": "client_credentials", "client_id": "casino", "client_secret": SECRET} | data,
    )
    return answer.status_code, answer.json()


def casino(*scopes: str) -> None:
    ensure_client(client_id="casino", secret=SECRET, name="Casino", scopes=scopes)


def test_a_token_is_a_jwt_that_the_published_key_verifies() -> None:
    casino("wallet:read", "wallet:write")
    _, answer = ask()
    keys = jwt.PyJWKSet.from_dict(Browser().get("/.well-known/jwks.json").json())
    token = str(answer["access_token"])
    claims = jwt.decode(token, keys[jwt.get_unverified_header(token)["kid"]], algorithms=["RS256"])
    assert (claims["sub"], claims["client_id"], claims["token_use"]) == ("casino", "casino", "access")
    assert set(claims["scope"].split()) == {"wallet:read", "wallet:write"}


def test_discovery_names_endpoints_scopes_and_grant() -> None:
    described = Browser().get("/.well-known/openid-configuration").json()
    assert described["token_endpoint"].endswith(TOKEN_PATH)
    assert described["scopes_supported"] == sorted(SCOPES)
    assert {
        "bets:write",
        "payments:write",
        "game-sessions:write",
        "players:status",
        "restrictions:write",
    } <= SCOPES.keys()
    assert described["grant_types_supported"] == ["client_credentials"]


def test_a_client_may_ask_for_less_but_not_for_more() -> None:
    casino("wallet:read", "wallet:write")
    assert ask(scope="wallet:read")[1]["scope"] == "wallet:read"
    assert ask(scope="players:write") == (400, {"error": "invalid_scope"})
    assert ask(scope="bets:write") == (400, {"error": "invalid_scope"}), "it has it, but not by name"
    casino("wallet:write", "bets:write")
    assert ask(scope="bets:write")[1]["scope"] == "bets:write"


def test_a_wrong_secret_gets_nothing() -> None:
    casino("wallet:read")
    assert ask(client_secret="guess") == (401, {"error": "invalid_client"})


def test_a_client_may_not_speak_for_a_person() -> None:
    casino("wallet:read")
    for grant in ("password", "authorization_code", "refresh_token"):
        assert ask(grant_type=grant, username="a", password="b", code="c", refresh_token="d")[0] in (400, 401)


def test_ensuring_a_client_again_brings_it_up_to_date() -> None:
    casino("wallet:read")
    ensure_client(client_id="casino", secret="another secret", name="New name", scopes=["players:read"])
    assert ask()[0] == 401
    assert ask(client_secret="another secret")[1]["scope"] == "players:read"


def test_a_scope_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownScope, match="wallet:steal"):
        casino("wallet:steal")


def test_ensuring_the_same_client_keeps_its_tokens(token_for: Callable[..., str]) -> None:
    assert token_for("wallet:read")
    secret_before = ensure_client(client_id="casino", secret=SECRET, name="Casino", scopes=["wallet:read"]).secret
    assert (
        ensure_client(client_id="casino", secret=SECRET, name="Casino", scopes=["wallet:read"]).secret == secret_before
    )


def key_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def published() -> set[str]:
    return {key["kid"] for key in Browser().get("/.well-known/jwks.json").json()["keys"]}


def test_the_key_that_signs_is_changed_while_tokens_of_the_old_one_stay_good(
    token_for: Callable[..., str], settings: Settings
) -> None:
    old_token = token_for("wallet:read")
    (old,) = (row["pem"] for row in settings.IDP_OIDC_PRIVATE_KEYS)
    new = rsa_key()

    def opens(token: str) -> bool:
        forget_tokens()
        return Api(token).get("wallet/games").status_code == 200

    settings.IDP_OIDC_PRIVATE_KEYS = issued_keys(new + old)
    assert len(published()) == 2
    assert key_of(str(ask()[1]["access_token"])) == key_of(old_token), "known, and not used yet"
    settings.IDP_OIDC_PRIVATE_KEYS = issued_keys(old + new)
    new_token = str(ask()[1]["access_token"])
    assert {key_of(old_token), key_of(new_token)} == published()
    assert opens(old_token)
    assert opens(new_token)
    settings.IDP_OIDC_PRIVATE_KEYS = issued_keys(new)
    assert not opens(old_token)
    assert opens(new_token)
    assert published() == {key_of(new_token)}
