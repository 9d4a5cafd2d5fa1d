"""Withdrawals, instruments and webhooks over REST; no card number gets in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from kernel import clock
from kernel.ids import uuid7
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.factories import ACTOR, AT, make_player
from tests.packs import activate
from tests.rest.conftest import Api, problem
from tests.wallet.payments import pay_in, real
from wallet.ports import Direction, PaymentAnswer, PaymentState
from wallet.providers.sandbox import SandboxProvider
from wallet.services.payment_sending import send_due
from wallet.services.withdrawal_decisions import approve_withdrawal

pytestmark = pytest.mark.usefixtures("db")

CARD = "4111 1111 1111 1111"


@pytest.fixture
def player(db: None) -> PlayerDetails:
    made = make_player()
    pay_in(made.id)
    return made


def register(api: Api, player: PlayerDetails, **more: str) -> HttpResponse:
    return api.post(
        "wallet/instruments", {"player_id": str(player.id), "provider": "sandbox", "token": "tok_ok"} | more
    )


def withdraw(api: Api, player: PlayerDetails, amount: str = "40.00", key: str | None = None) -> HttpResponse:
    body = {
        "player_id": str(player.id),
        "amount": amount,
        "currency": "EUR",
        "instrument_id": register(api, player).json()["id"],
    }
    return api.post("wallet/withdrawals", body, key=key)


def test_a_withdrawal_from_request_to_payment(api: Api, player: PlayerDetails) -> None:
    asked = withdraw(api, player)
    body = asked.json()
    assert (asked.status_code, body["state"], body["amount"]) == (201, "in_review", "40.00")
    assert not {"score", "reasons", "decision_reason"} & body.keys()  # not for the player's eyes
    assert api.get(f"players/{player.id}/balance").json()["real"] == "60.00"
    approve_withdrawal(withdrawal_id=body["id"], actor=ACTOR, at=clock.now())
    send_due(actor=ACTOR, at=clock.now())
    paid = api.get(asked["Location"]).json()
    assert (paid["state"], paid["paid"]) == ("paid", "40.00")


def test_the_same_key_is_the_same_withdrawal(api: Api, player: PlayerDetails) -> None:
    assert withdraw(api, player, key="k").json() == withdraw(api, player, key="k").json()
    problem(withdraw(api, player, "41.00", key="k"), 409, "idempotency_conflict")
    assert real(player.id) == "60.00"


def test_what_can_not_be_had_says_why(api: Api, player: PlayerDetails) -> None:
    assert problem(withdraw(api, player, "100.01"), 422, "insufficient_funds")["balance"] == "100.00"
    problem(api.get(f"wallet/withdrawals/{uuid7()}"), 404, "not_found")
    impose(player_id=player.id, kind=RestrictionKind.AML_HOLD, reason="x", source="staff", actor=ACTOR, at=AT)
    assert problem(withdraw(api, player), 403, "withdrawal_refused")["reason"] == "account_hold"


def test_cancelling(api: Api, player: PlayerDetails) -> None:
    asked = withdraw(api, player).json()
    for _ in range(2):
        answer = api.post(f"wallet/withdrawals/{asked['id']}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert real(player.id) == "100.00"
    british = make_player(country="GB")
    pay_in(british.id)
    activate("GB")
    asked = withdraw(api, british).json()
    problem(api.post(f"wallet/withdrawals/{asked['id']}/cancel"), 403, "cancellation_forbidden")


def test_withdrawals_page_by_page(api: Api, player: PlayerDetails) -> None:
    made = [withdraw(api, player, "1.00").json()["id"] for _ in range(3)]
    first = api.get(f"players/{player.id}/withdrawals", limit=2).json()
    second = api.get(first["next"]).json()
    assert [row["id"] for row in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None


def test_instruments(api: Api, player: PlayerDetails) -> None:
    bank = register(api, player, token="tok_ok~bank", kind="bank", label="My bank")
    assert bank.status_code == 201
    assert register(api, player, token="tok_ok~bank").json()["id"] == bank.json()["id"]
    items = api.get(f"players/{player.id}/instruments").json()["items"]
    assert [(row["label"], row["owed_back"]) for row in items] == [("Sandbox: ok", "100.00"), ("My bank", "0.00")]
    assert "token" not in items[0]
    assert "provider" in problem(register(api, player, provider="nobody"), 422, "validation_failed")["errors"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("wallet/instruments", {"token": CARD.replace(" ", "")}, "token"),
        ("wallet/instruments", {"token": f"tok_{CARD}"}, "token"),
        ("wallet/instruments", {"token": "tok_ok", "label": CARD}, "label"),
        ("wallet/instruments", {"token": 4111111111111111}, "token"),
        ("wallet/deposits", {"instrument": CARD}, "instrument"),
        ("wallet/deposits", {"anything": {"deep": [CARD]}}, "anything.deep.0"),
        ("players", {"first_name": "Ann", "last_name": CARD}, "last_name"),
    ],
)
@pytest.mark.rule(69)
def test_card_numbers_are_refused_everywhere(api: Api, path: str, body: dict[str, Any], field: str) -> None:
    answer = problem(api.post(path, body), 422, "validation_failed")
    assert list(answer["errors"]) == [field]
    assert "1111" not in str(answer)


def test_ids_and_phone_numbers_are_not_taken_for_cards(api: Api) -> None:
    body = {"email": "ann@example.com", "login": "ann", "country": "DE", "currency": "EUR", "phone": "+4915112345671"}
    body |= {"first_name": "Ann", "last_name": "Klein", "birth_date": "1990-05-17"}
    for last in range(10):
        person = body | {"email": f"a{last}@example.com", "login": f"ann{last}", "phone": f"+491511234567{last}"}
        assert api.post("players", person).status_code == 201


def test_scopes(token_for: Callable[..., str], player: PlayerDetails) -> None:
    reader = Api(token_for("wallet:read"))
    problem(reader.post("wallet/withdrawals", {}), 403, "access_denied")
    problem(reader.post("wallet/instruments", {}), 403, "access_denied")
    problem(Api("").get(f"players/{player.id}/withdrawals"), 401, "not_authenticated")


# --- webhooks ------------------------------------------------------------------------------------------------------


def post_webhook(headers: dict[str, str], body: bytes, provider: str = "sandbox") -> HttpResponse:
    address = f"/api/v1/webhooks/payments/{provider}"
    return Browser(raise_request_exception=False).post(address, body, content_type="application/json", headers=headers)


def test_a_webhook_needs_no_token_but_a_signature(player: PlayerDetails) -> None:
    deposit = pay_in(player.id, "50.00", "tok_pending")
    answer = PaymentAnswer(PaymentState.MADE, "ref")
    headers, body = SandboxProvider().webhook(Direction.IN, deposit.id, answer, clock.now())
    for _ in range(2):
        taken = post_webhook(headers, body)
        assert (taken.status_code, taken.json()) == (200, {"taken": True})
    assert real(player.id) == "150.00"
    problem(post_webhook({}, body), 401, "invalid_signature")
    problem(post_webhook(headers, body + b" "), 401, "invalid_signature")
    problem(post_webhook(headers, body, "nobody"), 404, "unknown_provider")
    problem(post_webhook(headers, b"x" * 70_000), 413, "body_too_large")
    stranger = SandboxProvider().webhook(Direction.IN, uuid7(), answer, clock.now())
    assert post_webhook(*stranger).json() == {"taken": False}
    refused = Browser().get("/api/v1/webhooks/payments/sandbox")
    problem(refused, 405, "method_not_allowed")
    assert refused["Allow"] == "POST"
