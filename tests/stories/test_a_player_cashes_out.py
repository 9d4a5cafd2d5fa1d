"""A player asks for money over the API, staff decide in the inbox, the provider pays, or does not."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from kernel import clock
from kernel.actors import system
from players.types import PlayerDetails
from tests.factories import make_player
from tests.packs import activate
from tests.rest.conftest import Api, problem
from tests.staff import staff_client
from tests.stories.faces import balance, heard, history, page, push
from wallet.ports import Direction, PaymentAnswer, PaymentState
from wallet.providers.sandbox import SandboxProvider
from wallet.selectors import list_payouts
from wallet.services.payment_sending import send_due

pytestmark = pytest.mark.usefixtures("db")

# What a player has is real and held money together: setting it aside changes where it is, not how much it is.
HOLD = ("withdrawal_hold", "0.00", "60.00")
RELEASE = ("withdrawal_release", "0.00", "100.00")
PAID = ("withdrawal", "-40.00", None)


class Story:
    """One player with 100.00 EUR from each card, one withdrawal, one member of staff."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.player: PlayerDetails = make_player(at=clock.now())
        self.staff: Client = staff_client("finance")
        self.cards: list[str] = []
        self.id = ""

    def pay_in(self, token: str) -> None:
        body = {
            "player_id": str(self.player.id), "amount": "100.00", "currency": "EUR", "provider": "sandbox",
            "instrument": token,
        }  # fmt: skip
        assert self.api.post("wallet/deposits", body).json()["state"] == "made"
        items = self.api.get(f"players/{self.player.id}/instruments").json()["items"]
        self.cards = [row["id"] for row in items]

    def ask(self, amount: str = "40.00") -> None:
        body = {
            "player_id": str(self.player.id), "amount": amount, "currency": "EUR", "instrument_id": self.cards[0],
        }  # fmt: skip
        answer = self.api.post("wallet/withdrawals", body)
        assert (answer.status_code, answer.json()["state"]) == (201, "in_review")
        self.id = answer.json()["id"]

    def approve(self, *parts: str) -> str:
        form = {f"part_{card}": part for card, part in zip(self.cards, parts, strict=True)}
        return push(self.staff, "wallet_withdrawal_approve", self.id, **form, reason="", confirmed="1")

    def reject(self) -> str:
        return push(self.staff, "wallet_withdrawal_reject", self.id, reason="Not the player's card")

    def send(self) -> None:
        """The job that beat runs every few seconds."""
        send_due(actor=system("send-payouts"), at=clock.now())

    def bank_says(self, state: PaymentState, reason: str = "") -> None:
        for payout in list_payouts(UUID(self.id)):
            said = PaymentAnswer(state, "ref", reason)
            headers, body = SandboxProvider().webhook(Direction.OUT, payout.id, said, clock.now())
            address = reverse("payment-webhook", args=["sandbox"])
            answer = Client().post(address, body, content_type="application/json", headers=headers)
            assert answer.json() == {"taken": True}

    def cancel(self) -> object:
        return self.api.post(f"wallet/withdrawals/{self.id}/cancel")

    @property
    def state(self) -> str:
        return str(self.api.get(f"wallet/withdrawals/{self.id}").json()["state"])

    def ends(self, state: str, *lines: tuple[str, str, str | None], events: list[str]) -> None:
        """What the player, the integrator and the staff see in the end."""
        body = self.api.get(f"wallet/withdrawals/{self.id}").json()
        assert body["state"] == state
        assert history(self.api, self.player.id)[len(self.cards) :] == list(lines)
        assert balance(self.api, self.player.id) == next(after for _, _, after in reversed(lines) if after)
        told = heard(self.player.id, "withdrawal-", "payout-")
        assert told == ["withdrawal-requested", "withdrawal-review-needed", *events]
        assert state.capitalize() in page(self.staff, "wallet_withdrawal", self.id)


@pytest.fixture
def story(api: Api) -> Story:
    return Story(api)


def test_approved_and_paid(story: Story) -> None:
    story.pay_in("tok_ok")
    story.ask()
    assert "40.00 EUR are approved" in story.approve("40.00")
    story.send()
    story.ends(
        "paid", HOLD, PAID,
        events=["withdrawal-approved", "withdrawal-sent", "withdrawal-paid"],
    )  # fmt: skip
    assert "Dialogue with the provider" in page(story.staff, "wallet_withdrawal", story.id)


def test_rejected_with_a_reason_that_the_player_does_not_read(story: Story) -> None:
    story.pay_in("tok_ok")
    story.ask()
    story.reject()
    story.ends("rejected", HOLD, RELEASE, events=["withdrawal-rejected"])
    assert "Not the player&#x27;s card" in page(story.staff, "wallet_withdrawal", story.id)
    assert "card" not in str(story.api.get(f"wallet/withdrawals/{story.id}").json())
    assert "It is rejected already" in story.approve("40.00")


def test_approved_in_part_and_split_over_two_cards(story: Story) -> None:
    story.pay_in("tok_ok~one")
    story.pay_in("tok_ok~two")
    story.ask("150.00")
    assert "120.00 EUR are approved" in story.approve("70.00", "50.00")
    assert balance(story.api, story.player.id) == "80.00", "what was not approved is there at once"
    story.send()
    assert [str(row.paid) for row in list_payouts(UUID(story.id))] == ["70.00", "50.00"]
    assert story.state == "paid"
    assert story.api.get(f"wallet/withdrawals/{story.id}").json()["paid"] == "120.00"
    assert balance(story.api, story.player.id) == "80.00"


def test_the_provider_declines_and_the_money_is_back(story: Story) -> None:
    story.pay_in("tok_payout_decline")
    story.ask()
    story.approve("40.00")
    story.send()
    story.ends(
        "failed", HOLD, RELEASE,
        events=["withdrawal-approved", "withdrawal-sent", "withdrawal-failed"],
    )  # fmt: skip


def test_paid_and_then_returned_by_the_bank(story: Story) -> None:
    story.pay_in("tok_ok")
    story.ask()
    story.approve("40.00")
    story.send()
    for _ in range(2):
        story.bank_says(PaymentState.RETURNED, "account_closed")
    story.ends(
        "failed", HOLD, PAID, ("withdrawal_return", "40.00", "100.00"),
        events=["withdrawal-approved", "withdrawal-sent", "withdrawal-paid", "payout-returned", "withdrawal-failed"],
    )  # fmt: skip


def test_the_player_takes_it_back(story: Story) -> None:
    story.pay_in("tok_ok")
    story.ask()
    for _ in range(2):
        assert story.cancel().status_code == 200  # type: ignore[attr-defined]
    story.ends("cancelled", HOLD, RELEASE, events=["withdrawal-cancelled"])


def test_once_it_is_sent_nobody_takes_it_back(story: Story) -> None:
    story.pay_in("tok_payout_pending")
    story.ask()
    story.approve("40.00")
    story.send()
    problem(story.cancel(), 409, "withdrawal_moved")  # type: ignore[arg-type]
    assert (story.state, balance(story.api, story.player.id)) == ("sent", "60.00")
    story.bank_says(PaymentState.MADE)
    assert story.state == "paid"


def test_where_the_law_forbids_it_the_player_cannot_take_it_back(story: Story) -> None:
    story.player = make_player(at=clock.now(), country="GB")
    story.pay_in("tok_ok")
    activate("GB")
    story.ask()
    problem(story.cancel(), 403, "cancellation_forbidden")  # type: ignore[arg-type]
    assert (story.state, balance(story.api, story.player.id)) == ("in_review", "60.00")
    assert "the rules of the country forbid it" in page(story.staff, "wallet_withdrawal", story.id)
