"""The description is valid, and the API answers as it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from django.test import Client as Browser
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from kernel.scopes import SCOPES
from players.services.labels import set_label
from pms.player_auth import middleware
from pms.wsgi import application
from tests.factories import AT, fund, make_game, make_player
from tests.identity.calls import registered
from tests.rest.conftest import Api

PARTS = 4  # so that several workers share it
# Not "valid data is accepted": that a login is taken, or a cursor made up, no schema can say.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def description(db: None) -> dict[str, Any]:
    answer = Browser().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert answer.status_code == 200
    return dict(answer.json())


def test_every_operation_names_its_scope_and_its_problems(description: dict[str, Any]) -> None:
    scheme = description["components"]["securitySchemes"]["clientCredentials"]
    assert scheme["flows"]["clientCredentials"]["scopes"].keys() == SCOPES.keys()
    operations = {
        operation["operationId"]: operation for path in description["paths"].values() for operation in path.values()
    }
    assert len(operations) == sum(len(path) for path in description["paths"].values())
    assert description["components"]["securitySchemes"]["playerToken"]["scheme"] == "bearer"
    own = {operation["operationId"] for path, methods in description["paths"].items() if "/me/" in path
           for operation in methods.values()}  # fmt: skip
    for name, operation in operations.items():
        if name in own:
            assert operation["security"] == [{"playerToken": []}], name
        elif name != "get_registration_fields":
            assert set(operation["security"][0]["clientCredentials"]) <= SCOPES.keys(), name
        assert "application/problem+json" in operation["responses"]["default"]["content"], name
        assert operation["description"], name


def test_the_description_is_valid_openapi(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    validate_schema(description)


def test_answers_have_the_names_that_are_described(description: dict[str, Any], api: Api) -> None:
    make_game()
    player = make_player()
    fund(player.id)
    play = {
        "player_id": str(player.id),
        "game": "fruits",
        "round": "r",
        "stake": "1.00",
        "win": "0.00",
        "currency": "EUR",
    }
    posting = api.post("wallet/plays", play).json()
    restriction = {"kind": "bonus_block", "reason": "test"}
    set_label(player_id=player.id, namespace="crm", key="segment", value="whales", at=AT)
    deposit = {
        "player_id": str(player.id),
        "amount": "1.00",
        "currency": "EUR",
        "provider": "sandbox",
        "instrument": "tok_ok",
    }
    standing = api.get(f"loyalty/{player.id}").json()
    account = {"player_id": str(player.id), "provider": "sandbox", "token": "tok_ok"}
    instrument = api.post("wallet/instruments", account).json()
    withdrawal = {
        "player_id": str(player.id),
        "amount": "1.00",
        "currency": "EUR",
        "instrument_id": instrument["id"],
    }
    answers = {
        "Instrument": instrument,
        "Withdrawal": api.post("wallet/withdrawals", withdrawal).json(),
        "Player": api.get(f"players/{player.id}").json(),
        "PlayerPage": api.get("players").json(),
        "PostingAnswer": posting,
        "Balance": posting["balance"],
        "Restriction": api.post(f"players/{player.id}/restrictions", restriction).json(),
        "Label": api.get(f"players/{player.id}/labels").json()["items"][0],
        "Deposit": api.post("wallet/deposits", deposit).json(),
        "Transaction": api.get(f"players/{player.id}/transactions").json()["items"][0],
        "Game": api.get("wallet/games").json()["items"][0],
        "Standing": standing,
        "Level": standing["level"],
    }
    for name, answer in answers.items():
        described = description["components"]["schemas"][name]
        assert answer.keys() == described["properties"].keys(), name
        schema = {"$ref": f"#/components/schemas/{name}", "components": description["components"]}
        Draft202012Validator(schema).validate(answer)


def test_what_creates_or_moves_wants_the_key(description: dict[str, Any]) -> None:
    with_key = {
        path.removeprefix("/api/v1/")
        for path, operations in description["paths"].items()
        for operation in operations.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    }
    assert with_key == {
        "bonuses/grants",
        "bonuses/code-batches",
        "bonuses/lists",
        "loyalty/points/add",
        "loyalty/{player_id}/redemptions",
        "me/loyalty/redemptions",
        "compliance/exclusions",
        "me/exclusions",
        "players",
        "wallet/deposits",
        "wallet/game-sessions",
        "wallet/withdrawals",
        "wallet/plays",
        "wallet/bets",
        "wallet/wins",
        "wallet/rollbacks",
        "me/deposits",
        "me/withdrawals",
        "wallet/rounds/close",
        "compliance/kyc/cases",
        "me/verification/documents",
        "wallet/jackpot-wins",
        "wallet/free-bets",
        "wallet/free-spins",
        "wallet/free-spins/forfeits",
        "wallet/tournaments/buy-ins",
        "wallet/tournaments/rebuys",
        "wallet/tournaments/settlements",
        "wallet/tournaments/refunds",
        "wallet/holds",
        "wallet/holds/{hold_id}/capture",
        "wallet/holds/{hold_id}/release",
    }


def test_the_docs_page_needs_nothing_from_elsewhere(db: None) -> None:
    page = Browser().get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "http://" not in text
    assert "https://" not in text
    assert text.count("<script") == text.count("<script src=") == 3
    script = Browser().get("/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")


@pytest.mark.parametrize("part", range(PARTS))
def test_answers_are_as_described(
    part: int, token_for: Callable[..., str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PLAYER_REQUESTS_PER_MINUTE = 100_000
    monkeypatch.setattr(middleware, "LIMITS", {"": 100_000})  # a session for each operation
    make_game()
    fund(make_player().id)
    headers = {"Authorization": f"Bearer {token_for(*SCOPES)}"}
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    checked = set()
    asks = {"Authorization": f"Bearer {registered()[0].access}"}
    for operation in [result.ok() for result in schema.get_all_operations()][part::PARTS]:
        token = headers
        if "/me/" in operation.path:  # each deed with a session of its own: one of them ends all
            token = asks if operation.method == "get" else {"Authorization": f"Bearer {registered()[0].access}"}

        @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        @profile(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def answer_fits(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=token, checks=CHECKS)  # noqa: B023

        answer_fits()
        checked.add(operation.label)
    assert len(checked) > 20
