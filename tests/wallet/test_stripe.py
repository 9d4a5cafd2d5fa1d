"""The adapter of Stripe's protocol, over HTTP against a fake server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import Settings

from kernel.errors import FieldErrors
from kernel.ids import uuid7
from kernel.money import Money
from tests.factories import ACTOR, AT, make_player
from tests.wallet.fake_stripe import KEY, SECRET, FakeStripe
from tests.wallet.payments import eur, held, real, told
from wallet import ports
from wallet.ports import Direction, InvalidSignature, PaymentOrder, PaymentState, ProviderUnavailable
from wallet.providers import signing
from wallet.providers.stripe import StripeProvider
from wallet.selectors import get_deposit, get_withdrawal, list_instruments
from wallet.services.deposits import DepositMoved, cancel_deposit, chase_pending, request_deposit
from wallet.services.payment_instruments import register_instrument
from wallet.services.payment_notices import receive_notice
from wallet.services.payment_sending import send_due
from wallet.services.withdrawal_decisions import approve_withdrawal
from wallet.services.withdrawals import request_withdrawal
from wallet.types_payments import DepositDetails, DepositState, WithdrawalDetails, WithdrawalState

LATER = AT + timedelta(minutes=5)


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    server = FakeStripe()
    yield server
    server.close()


@pytest.fixture
def stripe(fake: FakeStripe, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> StripeProvider:
    settings.OUTGOING_PRIVATE_HOSTS = ["127.0.0.1"]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    provider = StripeProvider(api_key=KEY, webhook_secrets=["whsec_old", SECRET], base=fake.base)
    monkeypatch.setitem(ports._providers, "stripe", provider)
    return provider


def order(token: str, amount: Money | None = None, reference: str = "") -> PaymentOrder:
    return PaymentOrder(uuid7(), amount or eur("12.34"), token, reference)


# --- the protocol --------------------------------------------------------------------------------------------------


def test_a_payment_is_asked_for_as_the_documentation_says(fake: FakeStripe, stripe: StripeProvider) -> None:
    asked = order("pm_card")
    answer = stripe.authorise(asked)
    assert (answer.state, answer.reference, answer.amount) == (PaymentState.MADE, "pi_1", eur("12.34"))
    assert answer.instrument
    assert (answer.instrument.label, answer.instrument.fingerprint) == ("Visa •••• 4242", "fp_4242")
    method, path, form, headers = fake.requests[0]
    assert (method, path) == ("POST", "/v1/payment_intents")
    assert form["amount"] == "1234"
    assert form["currency"] == "eur"
    assert form["metadata[payment_id]"] == headers["Idempotency-Key"] == str(asked.payment_id)
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Stripe-Version"]


def test_the_same_payment_twice_is_one(fake: FakeStripe, stripe: StripeProvider) -> None:
    asked = order("pm_card")
    assert stripe.authorise(asked) == stripe.authorise(asked)
    assert len(fake.things) == 1


@pytest.mark.parametrize(
    ("token", "state", "reason"),
    [
        ("pm_declined", PaymentState.FAILED, "insufficient_funds"),
        ("pm_missing", PaymentState.FAILED, "resource_missing"),
        ("pm_slow", PaymentState.PENDING, ""),
    ],
)
def test_what_is_not_taken(stripe: StripeProvider, token: str, state: PaymentState, reason: str) -> None:
    answer = stripe.authorise(order(token))
    assert (answer.state, answer.reason) == (state, reason)


@pytest.mark.parametrize("fault", ["drop", "lose", 401, 403, 409, 429, 500, 503])
def test_whatever_leaves_it_open_is_no_refusal(fake: FakeStripe, stripe: StripeProvider, fault: str | int) -> None:
    fake.faults = [fault]
    with pytest.raises(ProviderUnavailable):
        stripe.authorise(order("pm_card"))


def test_another_payment_under_the_same_key_is_no_refusal(stripe: StripeProvider) -> None:
    asked = order("pm_card")
    stripe.authorise(asked)
    with pytest.raises(ProviderUnavailable):
        stripe.authorise(PaymentOrder(asked.payment_id, eur("99.00"), "pm_card"))


def test_reserved_and_captured(fake: FakeStripe, stripe: StripeProvider) -> None:
    manual = StripeProvider(api_key=KEY, webhook_secrets=[SECRET], base=fake.base, manual_capture=True)
    asked = order("pm_card")
    reserved = manual.authorise(asked)
    assert reserved.state is PaymentState.AUTHORISED
    taken = manual.capture(PaymentOrder(asked.payment_id, asked.amount, asked.token, reserved.reference))
    assert (taken.state, taken.amount) == (PaymentState.MADE, eur("12.34"))


def test_what_became_of_a_payment(fake: FakeStripe, stripe: StripeProvider) -> None:
    asked = order("pm_card")
    assert stripe.status(Direction.IN, asked).state is PaymentState.UNKNOWN
    reference = stripe.authorise(asked).reference
    assert stripe.status(Direction.IN, asked).reference == reference  # searched for by our id
    known = PaymentOrder(asked.payment_id, asked.amount, asked.token, reference)
    assert stripe.status(Direction.IN, known).state is PaymentState.MADE
    assert stripe.status(Direction.OUT, order("ba_1")).state is PaymentState.UNKNOWN


@pytest.mark.parametrize(
    ("token", "state", "reason"),
    [
        ("ba_1", PaymentState.MADE, ""),
        ("ba_pending", PaymentState.PENDING, ""),
        ("ba_closed", PaymentState.FAILED, "account_closed"),
    ],
)
def test_payouts(stripe: StripeProvider, token: str, state: PaymentState, reason: str) -> None:
    asked = order(token)
    answer = stripe.payout(asked)
    assert (answer.state, answer.reason) == (state, reason)
    known = PaymentOrder(asked.payment_id, asked.amount, token, answer.reference)
    assert stripe.status(Direction.OUT, known) == answer


def test_currencies_that_count_otherwise_there_are_refused(fake: FakeStripe, stripe: StripeProvider) -> None:
    answers = [stripe.authorise(order("pm_card", Money(5, "ISK"))), stripe.payout(order("ba_1", Money(5, "ISK")))]
    assert {(answer.state, answer.reason) for answer in answers} == {(PaymentState.FAILED, "currency_not_supported")}
    assert not fake.requests


# --- webhooks ------------------------------------------------------------------------------------------------------


def test_signatures(fake: FakeStripe, stripe: StripeProvider) -> None:
    headers, body = fake.event("customer.created", {"id": "cus_1"}, AT)
    assert stripe.verify_webhook(headers, body, AT) is None
    assert stripe.verify_webhook(headers, body, AT + timedelta(minutes=5)) is None
    good = headers["Stripe-Signature"]
    bad = [
        ({}, body, AT),
        (headers, body + b"\n", AT),
        (headers, body, AT + timedelta(minutes=5, seconds=1)),
        (headers, body, AT - timedelta(minutes=5, seconds=1)),
        ({"Stripe-Signature": good.replace("v1=", "v0=")}, body, AT),
        ({"Stripe-Signature": good.replace("t=", "t=1")}, body, AT),
        ({"Stripe-Signature": f"t=1,{good}"}, body, AT),
        ({"Stripe-Signature": signing.sign(body, "whsec_other", AT)}, body, AT),
        ({"Stripe-Signature": signing.sign(body, "", AT)}, body, AT),
    ]
    for given, raw, at in bad:
        with pytest.raises(InvalidSignature):
            stripe.verify_webhook(given, raw, at)


def test_a_secret_may_be_rotated(fake: FakeStripe, stripe: StripeProvider) -> None:
    body = b'{"id": "evt_1", "type": "x", "data": {"object": {}}}'
    for secret in (SECRET, "whsec_old"):
        assert stripe.verify_webhook({"Stripe-Signature": signing.sign(body, secret, AT)}, body, AT) is None
    no_secret = StripeProvider(api_key=KEY, webhook_secrets=[], base=fake.base)
    with pytest.raises(InvalidSignature):
        no_secret.verify_webhook({"Stripe-Signature": signing.sign(body, "", AT)}, body, AT)


def test_odd_bytes_are_signed_as_they_are(stripe: StripeProvider) -> None:
    body = '{"id": "evt_1",\r\n\t"type": "x", "data": {"object": {"näme": "\u2028"}}}'.encode()
    assert stripe.verify_webhook({"Stripe-Signature": signing.sign(body, SECRET, AT)}, body, AT) is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id": 1, "type": "payment_intent.succeeded", "data": {"object": {}}}']
)
def test_signed_nonsense_names_itself(stripe: StripeProvider, body: bytes) -> None:
    with pytest.raises(FieldErrors):
        stripe.verify_webhook({"Stripe-Signature": signing.sign(body, SECRET, AT)}, body, AT)


# --- whole payments ------------------------------------------------------------------------------------------------


def deposit(player_id: object, token: str = "pm_card") -> DepositDetails:
    return request_deposit(
        player_id=player_id,  # type: ignore[arg-type]
        amount=eur("100.00"),
        provider="stripe",
        instrument=token,
        source="test",
        idempotency_key=f"{token}-{player_id}",
        actor=ACTOR,
        at=AT,
    )


def withdrawal(player_id: object, token: str = "pm_card") -> WithdrawalDetails:
    to = register_instrument(player_id=player_id, provider="stripe", token=token, actor=ACTOR, at=AT)  # type: ignore[arg-type]
    asked = request_withdrawal(
        player_id=player_id,  # type: ignore[arg-type]
        amount=eur("40.00"),
        instrument_id=to.id,
        source="test",
        idempotency_key=f"w-{player_id}",
        actor=ACTOR,
        at=AT,
    )
    return approve_withdrawal(withdrawal_id=asked.id, actor=ACTOR, at=AT, split=[(to.id, eur("40.00"))])


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("fault", ["drop", "lose", 500])
def test_a_lost_answer_is_asked_for_again_and_charges_once(
    fake: FakeStripe, stripe: StripeProvider, fault: str | int
) -> None:
    player = make_player()
    fake.faults = [fault]
    made = deposit(player.id)
    assert made.state is DepositState.PENDING
    if fault == "drop":
        assert chase_pending(actor=ACTOR, at=LATER) == 1
        assert get_deposit(made.id).state is DepositState.MADE
        assert list_instruments(player.id)[0].label == "Visa •••• 4242"
    else:
        chase_pending(actor=ACTOR, at=AT + timedelta(hours=2))
        assert get_deposit(made.id).state is DepositState.FAILED
    assert real(player.id) == ("100.00" if fault == "drop" else "0.00")
    assert len(fake.things) == (fault == "drop")


@pytest.mark.usefixtures("db")
def test_webhooks_of_a_deposit_and_its_dispute(fake: FakeStripe, stripe: StripeProvider) -> None:
    player = make_player()
    made = deposit(player.id, "pm_slow")
    intent = fake.things["pi_1"] | {"status": "succeeded", "amount_received": 10000}
    dispute = {"id": "dp_1", "payment_intent": "pi_1", "amount": 10000, "currency": "eur", "reason": "fraudulent"}
    for number, (kind, thing) in enumerate(
        [("payment_intent.succeeded", intent), ("charge.dispute.funds_withdrawn", dispute)], 1
    ):
        headers, body = fake.event(kind, thing, AT, number)
        for _ in range(2):
            assert receive_notice(provider="stripe", headers=headers, body=body, at=AT)
    ended = get_deposit(made.id)
    assert (ended.state, ended.failure_reason) == (DepositState.CHARGED_BACK, "fraudulent")
    assert told(player.id) == ["deposit-requested", "deposit-pending", "deposit-made", "deposit-charged-back"]
    assert real(player.id) == "0.00"
    headers, body = fake.event("charge.dispute.funds_reinstated", dispute | {"status": "won"}, AT, 3)
    for _ in range(2):
        assert receive_notice(provider="stripe", headers=headers, body=body, at=AT)
    assert (get_deposit(made.id).state, real(player.id)) == (DepositState.REINSTATED, "100.00")


@pytest.mark.usefixtures("db")
def test_refunds_of_a_charge_count_together_and_disputes_each(fake: FakeStripe, stripe: StripeProvider) -> None:
    player = make_player()
    made = deposit(player.id)
    refunds = [{"payment_intent": "pi_1", "amount_refunded": sum_, "currency": "eur"} for sum_ in (1000, 3000, 2500)]
    dispute = {"payment_intent": "pi_1", "amount": 2000, "currency": "eur", "reason": "fraudulent"}
    events = [("charge.refunded", refund) for refund in refunds] + [("charge.dispute.funds_withdrawn", dispute)]
    for number, (kind, thing) in enumerate(events, 1):
        headers, body = fake.event(kind, thing, AT, number)
        receive_notice(provider="stripe", headers=headers, body=body, at=AT)
    assert (str(get_deposit(made.id).taken_back), real(player.id)) == ("50.00", "50.00")


@pytest.mark.usefixtures("db")
def test_a_deposit_is_given_up_there_unless_it_is_made(fake: FakeStripe, stripe: StripeProvider) -> None:
    player = make_player()
    slow, made = deposit(player.id, "pm_slow"), deposit(player.id)
    cancelled = cancel_deposit(deposit_id=slow.id, actor=ACTOR, at=AT)
    assert (cancelled.state, cancelled.failure_reason) == (DepositState.CANCELLED, "requested_by_customer")
    assert fake.calls["POST /v1/payment_intents/pi_1/cancel"] == 1
    with pytest.raises(DepositMoved):
        cancel_deposit(deposit_id=made.id, actor=ACTOR, at=AT)
    stuck = deposit(make_player().id, "pm_slow")
    fake.faults = ["lose"]
    assert cancel_deposit(deposit_id=stuck.id, actor=ACTOR, at=AT).failure_reason == "cancelled_by_player"


@pytest.mark.usefixtures("db")
def test_a_payout_whose_answer_is_lost_is_paid_once(fake: FakeStripe, stripe: StripeProvider) -> None:
    player = make_player()
    deposit(player.id)
    sent = withdrawal(player.id)
    fake.faults = ["drop"]
    send_due(actor=ACTOR, at=AT)
    assert get_withdrawal(sent.id).state is WithdrawalState.SENT
    send_due(actor=ACTOR, at=LATER)
    assert get_withdrawal(sent.id).state is WithdrawalState.PAID
    assert [thing for thing in fake.things if thing.startswith("po_")] == ["po_2"]


@pytest.mark.usefixtures("db")
def test_a_payout_that_was_paid_and_then_failed_comes_back(fake: FakeStripe, stripe: StripeProvider) -> None:
    player = make_player()
    deposit(player.id)
    sent = withdrawal(player.id)
    send_due(actor=ACTOR, at=AT)
    payout = fake.things["po_2"] | {"status": "failed", "failure_code": "account_closed"}
    headers, body = fake.event("payout.failed", payout, AT)
    receive_notice(provider="stripe", headers=headers, body=body, at=AT)
    assert get_withdrawal(sent.id).state is WithdrawalState.FAILED
    assert (real(player.id), held(player.id)) == ("100.00", "0.00")


@pytest.mark.usefixtures("db")
def test_no_secret_is_kept(fake: FakeStripe, stripe: StripeProvider) -> None:
    from django.core import serializers

    from wallet.models_payments import ProviderMessage

    deposit(make_player().id)
    kept = serializers.serialize("json", ProviderMessage.objects.all())
    assert json.loads(kept)
    assert KEY not in kept
    assert "pm_card" not in kept
