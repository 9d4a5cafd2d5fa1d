"""A player pays in over the API, the provider says by webhook what became of it, and staff look at it.

Every ending of a deposit: made, failed, cancelled, charged back, and charged back in parts.
"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from kernel import clock
from players.types import PlayerDetails
from tests.factories import make_player
from tests.rest.conftest import Api
from tests.staff import staff_client
from tests.stories.faces import balance, heard, history, page
from tests.wallet.payments import eur
from wallet.ports import Direction, PaymentAnswer, PaymentState
from wallet.providers.sandbox import SandboxProvider
from wallet.selectors import sum_house
from wallet.types import AccountKind

pytestmark = pytest.mark.usefixtures("db")

S = PaymentState
PAID_IN = ("deposit", "100.00", "100.00")


@pytest.fixture
def player(db: None) -> PlayerDetails:
    return make_player()


def pay_in(api: Api, player: PlayerDetails, token: str, key: str = "d") -> dict[str, str]:
    body = {
        "player_id": str(player.id),
        "amount": "100.00",
        "currency": "EUR",
        "provider": "sandbox",
        "instrument": token,
    }
    answer = api.post("wallet/deposits", body, key=key)
    assert answer.status_code == 201, answer.content
    return answer.json()  # type: ignore[no-any-return]


def provider_says(
    deposit: dict[str, str], state: PaymentState, reason: str = "", amount: str = "", number: int = 1
) -> None:
    """A signed webhook, over HTTP."""
    from uuid import UUID

    answer = PaymentAnswer(state, "ref", reason, eur(amount) if amount else None)
    headers, body = SandboxProvider().webhook(Direction.IN, UUID(deposit["id"]), answer, clock.now(), number)
    address = reverse("payment-webhook", args=["sandbox"])
    assert Client().post(address, body, content_type="application/json", headers=headers).json() == {"taken": True}


@pytest.mark.parametrize(
    ("token", "says", "state", "lines", "events"),
    [
        ("tok_ok", [], "made", [PAID_IN], ["requested", "made"]),
        ("tok_pending", [(S.MADE,)], "made", [PAID_IN], ["requested", "pending", "made"]),
        ("tok_decline", [], "failed", [], ["requested", "failed"]),
        ("tok_pending", [(S.FAILED, "expired_card")], "failed", [], ["requested", "pending", "failed"]),
        ("tok_cancel", [], "cancelled", [], ["requested", "cancelled"]),
        (
            "tok_ok", [(S.CHARGED_BACK, "fraudulent")], "charged_back",
            [PAID_IN, ("chargeback", "-100.00", "0.00")], ["requested", "made", "charged-back"],
        ),
        (
            "tok_ok",
            [
                (S.CHARGED_BACK, "refunded", "30.00"),
                (S.CHARGED_BACK, "refunded", "20.00", 2),
                (S.CHARGED_BACK, "fraudulent", "", 3),
            ],
            "charged_back",
            [PAID_IN, ("chargeback", "-30.00", "70.00"), ("chargeback", "-20.00", "50.00"), ("chargeback", "-50.00", "0.00")],
            ["requested", "made", "charged-back", "charged-back", "charged-back"],
        ),
    ],
)  # fmt: skip
def test_every_ending_of_a_deposit(
    api: Api,
    player: PlayerDetails,
    token: str,
    says: list[tuple[PaymentState, str]],
    state: str,
    lines: list[tuple[str, str, str]],
    events: list[str],
) -> None:
    deposit = pay_in(api, player, token)
    for word in says:
        for _ in range(2):  # providers say everything twice
            provider_says(deposit, *word)
    assert api.get(f"wallet/deposits/{deposit['id']}").json()["state"] == state
    assert pay_in(api, player, token)["id"] == deposit["id"], "the same key again is the same deposit"
    assert history(api, player.id) == lines
    assert balance(api, player.id) == (lines[-1][2] if lines else "0.00")
    assert heard(player.id, "deposit-") == [f"deposit-{name}" for name in events]
    shown = page(staff_client("finance"), "wallet_deposit", deposit["id"])
    assert state.replace("_", " ").capitalize() in shown
    if says:
        assert "webhook" in shown.lower()


def test_a_chargeback_of_money_that_is_spent_is_the_houses_loss_and_holds_the_player(
    api: Api, player: PlayerDetails
) -> None:
    deposit = pay_in(api, player, "tok_ok")
    card = api.post(
        "wallet/instruments", {"player_id": str(player.id), "provider": "sandbox", "token": "tok_ok"}
    ).json()
    asked = {"player_id": str(player.id), "amount": "80.00", "currency": "EUR", "instrument_id": card["id"]}
    assert api.post("wallet/withdrawals", asked, key="w").status_code == 201
    provider_says(deposit, S.CHARGED_BACK, "fraudulent")
    assert history(api, player.id)[-1] == ("chargeback", "-20.00", "0.00")
    assert sum_house(AccountKind.CHARGEBACKS)["EUR"] == eur("-80.00")
    refused = api.post("wallet/withdrawals", asked | {"amount": "1.00"}, key="w2")
    assert (refused.status_code, refused.json()["code"]) == (403, "withdrawal_refused")
