"""Payments by Stripe's protocol: PaymentIntents in, payouts out, signed webhooks.

Sources: Stripe's API reference (PaymentIntents, Payouts, Idempotent requests, Errors) and "Verify webhook signatures
manually". Instruments are its PaymentMethods ("pm_…") for deposits and external accounts ("ba_…", "card_…") for
payouts. Amounts are minor units as in ISO 4217, with two exceptions that are refused (``_UNUSUAL``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import requests

from kernel.errors import FieldErrors
from kernel.money import Money
from kernel.outgoing import new_session
from wallet.ports import (
    Direction,
    InstrumentFacts,
    PaymentAnswer,
    PaymentNotice,
    PaymentOrder,
    PaymentState,
    ProviderUnavailable,
)
from wallet.providers import signing
from wallet.types_payments import Funding, InstrumentKind

logger = logging.getLogger(__name__)

SIGNATURE_HEADER = "Stripe-Signature"
VERSION = "2024-06-20"

# Two decimals there, none in ISO 4217: a hundredfold payment would be the price of a mistake.
_UNUSUAL = frozenset({"ISK", "UGX"})

_INTENT_STATES = {
    "succeeded": PaymentState.MADE,
    "processing": PaymentState.PENDING,
    "requires_action": PaymentState.PENDING,
    "requires_confirmation": PaymentState.PENDING,
    "requires_capture": PaymentState.AUTHORISED,
    "requires_payment_method": PaymentState.FAILED,
    "canceled": PaymentState.CANCELLED,
}
_PAYOUT_STATES = {
    "paid": PaymentState.MADE,
    "pending": PaymentState.PENDING,
    "in_transit": PaymentState.PENDING,
    "failed": PaymentState.FAILED,
    "canceled": PaymentState.CANCELLED,
}
_FUNDING = {"debit": Funding.DEBIT, "credit": Funding.CREDIT, "prepaid": Funding.PREPAID}
_KINDS = {"card": InstrumentKind.CARD, "us_bank_account": InstrumentKind.BANK, "sepa_debit": InstrumentKind.BANK}


class StripeProvider:
    """``manual_capture`` reserves first and takes the money by a second call."""

    name = "stripe"
    keys_kept = timedelta(hours=24)

    def __init__(
        self, *, api_key: str, webhook_secrets: Sequence[str], base: str, manual_capture: bool = False
    ) -> None:
        self._api_key = api_key
        self._secrets = webhook_secrets
        self._base = base.rstrip("/")
        self._session = new_session()
        self._capture_method = "manual" if manual_capture else "automatic"

    def look_up(self, token: str) -> InstrumentFacts | None:
        """Of PaymentMethods; external accounts are not told about here."""
        return _facts(self._call("GET", f"/v1/payment_methods/{token}", {})) if token.startswith("pm_") else None

    def authorise(self, order: PaymentOrder) -> PaymentAnswer:
        if order.amount.currency in _UNUSUAL:
            return PaymentAnswer(PaymentState.FAILED, reason="currency_not_supported")
        form = {
            "amount": str(order.amount.amount_minor),
            "currency": order.amount.currency.lower(),
            "payment_method": order.token,
            "confirm": "true",
            "capture_method": self._capture_method,
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
            "metadata[payment_id]": str(order.payment_id),
            "expand[]": "payment_method",
        }
        return self._intent(self._call("POST", "/v1/payment_intents", form, key=str(order.payment_id)), order)

    def capture(self, order: PaymentOrder) -> PaymentAnswer:
        path = f"/v1/payment_intents/{order.reference}/capture"
        return self._intent(self._call("POST", path, {}, key=f"{order.payment_id}:capture"), order)

    def cancel(self, order: PaymentOrder) -> PaymentAnswer:
        """An intent that is made, or that nobody knows, can't be cancelled: the answer is what it is instead."""
        found = self.status(Direction.IN, order)
        if found.state not in (PaymentState.PENDING, PaymentState.AUTHORISED):
            return found
        path = f"/v1/payment_intents/{found.reference}/cancel"
        form = {"cancellation_reason": "requested_by_customer"}
        intent = self._call("POST", path, form, key=f"{order.payment_id}:cancel")
        if "error" in intent:  # it moved meanwhile
            return self.status(Direction.IN, replace(order, reference=found.reference))
        return _intent_answer(intent)

    def payout(self, order: PaymentOrder) -> PaymentAnswer:
        if order.amount.currency in _UNUSUAL:
            return PaymentAnswer(PaymentState.FAILED, reason="currency_not_supported")
        form = {
            "amount": str(order.amount.amount_minor),
            "currency": order.amount.currency.lower(),
            "destination": order.token,
            "metadata[payment_id]": str(order.payment_id),
        }
        return _payout(self._call("POST", "/v1/payouts", form, key=str(order.payment_id)))

    def status(self, direction: Direction, order: PaymentOrder) -> PaymentAnswer:
        """Without a reference a deposit is searched for by our id; a payout can't be, and is unknown."""
        if direction is Direction.OUT:
            if not order.reference:
                return PaymentAnswer(PaymentState.UNKNOWN)
            return _payout(self._call("GET", f"/v1/payouts/{order.reference}", {}))
        if order.reference:
            form = {"expand[]": "payment_method"}
            return self._intent(self._call("GET", f"/v1/payment_intents/{order.reference}", form), order)
        query = {"query": f"metadata['payment_id']:'{order.payment_id}'"}
        found = self._call("GET", "/v1/payment_intents/search", query).get("data") or []
        return self._intent(found[0], order) if found else PaymentAnswer(PaymentState.UNKNOWN)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, at: datetime) -> PaymentNotice | None:
        signing.verify(body, headers.get(SIGNATURE_HEADER, ""), self._secrets, at)
        try:
            event = json.loads(body)
            return _notice(event["id"], event["type"], event["data"]["object"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FieldErrors({"body": [f"This is no event as Stripe sends them: {error!r:.100}."]}) from None

    def _intent(self, intent: dict[str, Any], order: PaymentOrder) -> PaymentAnswer:
        if "error" in intent:
            return _refusal(intent["error"])
        return _intent_answer(intent)

    def _call(self, method: str, path: str, form: dict[str, str], key: str = "") -> dict[str, Any]:
        """The answer's JSON; a refusal's too. Raises: ProviderUnavailable whenever it may or may not have happened."""
        headers = {"Authorization": f"Bearer {self._api_key}", "Stripe-Version": VERSION}
        if key:
            headers["Idempotency-Key"] = key
        try:
            answer = self._session.request(
                method,
                self._base + path,
                params=form if method == "GET" else None,
                data=form if method == "POST" else None,
                headers=headers,
                allow_redirects=False,
            )
            data: dict[str, Any] = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise ProviderUnavailable(f"{method} {path}: {type(error).__name__}") from None
        if answer.status_code in (200, 402):
            return data
        problem = data.get("error", {})
        if answer.status_code in (400, 404) and problem.get("type") == "invalid_request_error":
            return data
        # 401 and 403: our key is wrong, not the payment. 409, 429, 5xx and idempotency errors: ask again.
        logger.warning("stripe answered %s to %s %s: %s", answer.status_code, method, path, problem.get("type"))
        raise ProviderUnavailable(f"{method} {path}: {answer.status_code}")


def _refusal(error: dict[str, Any]) -> PaymentAnswer:
    intent = error.get("payment_intent") or {}
    reason = error.get("decline_code") or error.get("code") or error.get("type") or "refused"
    return PaymentAnswer(PaymentState.FAILED, intent.get("id", ""), str(reason))


def _intent_answer(intent: dict[str, Any]) -> PaymentAnswer:
    state = _INTENT_STATES.get(intent["status"], PaymentState.PENDING)
    error = intent.get("last_payment_error") or {}
    reason = error.get("decline_code") or error.get("code") or ""
    if state is PaymentState.CANCELLED:
        reason = intent.get("cancellation_reason") or ""
    received = intent.get("amount_received")
    amount = Money(received, intent["currency"].upper()) if state is PaymentState.MADE and received else None
    return PaymentAnswer(state, intent["id"], str(reason), amount, _facts(intent.get("payment_method")))


def _payout(payout: dict[str, Any]) -> PaymentAnswer:
    if "error" in payout:
        return _refusal(payout["error"])
    state = _PAYOUT_STATES.get(payout["status"], PaymentState.PENDING)
    return PaymentAnswer(state, payout["id"], payout.get("failure_code") or "")


def _facts(method: Any) -> InstrumentFacts | None:
    """Of an expanded PaymentMethod: brand, last four digits, fingerprint, funding and in whose name it is."""
    if not isinstance(method, dict) or "error" in method:
        return None
    kind = str(method.get("type", ""))
    details = method.get(kind) or {}
    brand = str(details.get("brand") or details.get("bank_name") or kind).title()
    label = f"{brand} •••• {details['last4']}" if details.get("last4") else brand
    return InstrumentFacts(
        _KINDS.get(kind, InstrumentKind.OTHER),
        label,
        str(details.get("fingerprint") or ""),
        _FUNDING.get(str(details.get("funding")), Funding.UNKNOWN),
        str((method.get("billing_details") or {}).get("name") or ""),
    )


def _notice(event_id: str, kind: str, thing: dict[str, Any]) -> PaymentNotice | None:
    """An event in our words; None for kinds that move no payment of ours."""
    if kind.startswith("payment_intent."):
        return PaymentNotice(event_id, Direction.IN, _our_id(thing), _intent_answer(thing))
    if kind.startswith("payout."):
        return PaymentNotice(event_id, Direction.OUT, _our_id(thing), _payout(thing))
    if kind == "charge.dispute.funds_reinstated" and thing.get("payment_intent"):
        amount = Money(thing["amount"], thing["currency"].upper())
        won = PaymentAnswer(PaymentState.REINSTATED, thing["payment_intent"], "dispute_won", amount)
        return PaymentNotice(event_id, Direction.IN, None, won)
    taken = {"charge.dispute.funds_withdrawn": "amount", "charge.refunded": "amount_refunded"}
    if kind in taken and thing.get("payment_intent"):
        amount = Money(thing[taken[kind]], thing["currency"].upper())
        refund = kind == "charge.refunded"
        reason = "refunded" if refund else str(thing.get("reason") or "disputed")
        # A refund's event counts all refunds of the charge; a dispute's says what that one took.
        answer = PaymentAnswer(PaymentState.CHARGED_BACK, thing["payment_intent"], reason, amount, so_far=refund)
        return PaymentNotice(event_id, Direction.IN, None, answer)
    return None


def _our_id(thing: dict[str, Any]) -> UUID | None:
    try:
        return UUID((thing.get("metadata") or {}).get("payment_id", ""))
    except ValueError:
        return None
