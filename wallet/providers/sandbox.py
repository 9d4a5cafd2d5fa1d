"""A payment provider that exists only here: for the demo, tests and integrators' trials. No money moves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

from kernel.errors import FieldErrors
from kernel.money import Money
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

SIGNATURE_HEADER = "X-Sandbox-Signature"
FAULTS = (
    "ok",
    "decline",
    "pending",
    "timeout",
    "lost",
    "authorise",
    "cancel",
    "duplicate",
    "out_of_order",
    "chargeback",
    "payout_decline",
    "payout_pending",
    "payout_timeout",
    "payout_partial",
    "payout_return",
)
_SWITCH = "payments-sandbox-fault"


class SandboxProvider:
    """The instrument says what happens: ``tok_<fault>``, and ``tok_<fault>~<card>`` where cards are to be told apart.

    ``tok_<fault>~<card>~<funding>~<holder>`` is a card funded so ("credit"; "bank" makes it a bank account) in the name
    of ("Eve_Other").

    - ``decline``; ``pending``: made when asked again; ``timeout``: taken, but no answer; ``lost``: it never arrives;
      ``authorise``: reserved, and made by the capture; ``cancel``: given up by the payer
    - webhooks: ``duplicate`` comes twice; ``out_of_order`` says "pending" after "made"; ``chargeback`` follows a
      deposit, ``payout_return`` a payout
    - payouts alone: ``payout_decline``, ``payout_pending``, ``payout_timeout``, ``payout_partial`` (half is paid)

    The switch (``manage.py payments_sandbox``) overrides what all instruments say. It keeps no state of its own.
    """

    name = "sandbox"
    keys_kept = timedelta(days=365)

    def look_up(self, token: str) -> InstrumentFacts | None:
        fault = self._fault(token)
        if fault == "lost":
            raise ProviderUnavailable("the sandbox was told not to answer")
        return _facts(token) if fault else None

    def authorise(self, order: PaymentOrder) -> PaymentAnswer:
        fault = self._fault(order.token)
        if fault in ("timeout", "lost"):
            raise ProviderUnavailable("the sandbox was told not to answer")
        first = {"pending": PaymentState.PENDING, "authorise": PaymentState.AUTHORISED}
        return self._answer(order, first[fault]) if fault in first else self.status(Direction.IN, order)

    def capture(self, order: PaymentOrder) -> PaymentAnswer:
        return self._answer(order, PaymentState.MADE)

    def cancel(self, order: PaymentOrder) -> PaymentAnswer:
        fault = self._fault(order.token)
        if fault == "lost":
            raise ProviderUnavailable("the sandbox was told not to answer")
        if fault in ("pending", "authorise"):
            return self._answer(order, PaymentState.CANCELLED, "cancelled")
        return self.status(Direction.IN, order)

    def payout(self, order: PaymentOrder) -> PaymentAnswer:
        fault = self._fault(order.token)
        if fault in ("timeout", "lost", "payout_timeout"):
            raise ProviderUnavailable("the sandbox was told not to answer")
        if fault in ("pending", "payout_pending"):
            return self._answer(order, PaymentState.PENDING)
        return self.status(Direction.OUT, order)

    def status(self, direction: Direction, order: PaymentOrder) -> PaymentAnswer:
        fault = self._fault(order.token)
        if fault is None:
            return self._answer(order, PaymentState.FAILED, "unknown_instrument")
        if fault == "lost":
            return PaymentAnswer(PaymentState.UNKNOWN)
        if fault == "decline":
            return self._answer(order, PaymentState.FAILED, "declined_by_issuer")
        if fault == "authorise" and direction is Direction.IN:
            return self._answer(order, PaymentState.AUTHORISED)
        if fault == "cancel" and direction is Direction.IN:
            return self._answer(order, PaymentState.CANCELLED, "cancelled_by_payer")
        if fault == "payout_decline" and direction is Direction.OUT:
            return self._answer(order, PaymentState.FAILED, "account_closed")
        if fault == "payout_partial" and direction is Direction.OUT:
            half = Money(order.amount.amount_minor // 2, order.amount.currency)
            return self._answer(order, PaymentState.MADE, amount=half)
        return self._answer(order, PaymentState.MADE)

    def webhooks(self, direction: Direction, order: PaymentOrder, at: datetime) -> list[tuple[dict[str, str], bytes]]:
        """What it would post for this payment, in this order: headers and raw bodies."""
        fault = self._fault(order.token)
        last = self.status(direction, order)
        answers = [last]
        if fault == "duplicate":
            answers = [last, last]
        elif fault == "out_of_order":
            answers = [last, self._answer(order, PaymentState.PENDING)]
        elif fault == "chargeback" and direction is Direction.IN:
            answers = [last, self._answer(order, PaymentState.CHARGED_BACK, "fraudulent")]
        elif fault == "payout_return" and direction is Direction.OUT:
            answers = [last, self._answer(order, PaymentState.RETURNED, "account_closed")]
        return [self.webhook(direction, order.payment_id, answer, at) for answer in answers]

    def webhook(
        self, direction: Direction, payment_id: UUID, answer: PaymentAnswer, at: datetime, number: int = 1
    ) -> tuple[dict[str, str], bytes]:
        """One signed webhook that says ``answer``, for the ``number``-th time: headers and raw body."""
        body = json.dumps(
            {
                "id": f"evt_{payment_id.hex}_{answer.state}{'' if number == 1 else f'_{number}'}",
                "direction": direction,
                "payment_id": str(payment_id),
                "state": answer.state,
                "reference": answer.reference,
                "reason": answer.reason,
                "amount": str(answer.amount) if answer.amount else None,
                "currency": answer.amount.currency if answer.amount else None,
            }
        ).encode()
        return {SIGNATURE_HEADER: signing.sign(body, _secret(), at)}, body

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, at: datetime) -> PaymentNotice | None:
        signing.verify(body, headers.get(SIGNATURE_HEADER, ""), [_secret()], at)
        try:
            data = json.loads(body)
            amount = Money.parse(data["amount"], data["currency"]) if data["amount"] else None
            answer = PaymentAnswer(PaymentState(data["state"]), data["reference"], data["reason"], amount)
            return PaymentNotice(data["id"], Direction(data["direction"]), UUID(data["payment_id"]), answer)
        except (ValueError, KeyError, TypeError) as error:
            raise FieldErrors({"body": [f"This is no notice of the sandbox: {error!r:.100}."]}) from None

    def _answer(
        self, order: PaymentOrder, state: PaymentState, reason: str = "", amount: Money | None = None
    ) -> PaymentAnswer:
        return PaymentAnswer(state, f"sbx_{order.payment_id.hex}", reason, amount, _facts(order.token))

    def _fault(self, token: str) -> str | None:
        """What the switch or the instrument says; None for an instrument that the sandbox does not know."""
        switched = _switched()
        if switched:
            return switched
        fault = token.partition("~")[0].removeprefix("tok_")
        return fault if token.startswith("tok_") and fault in FAULTS else None


def switch_fault(fault: str | None) -> None:
    """From now on every call has this fault; None: what the instruments say again. Raises: ValueError."""
    if fault is not None and fault not in FAULTS:
        raise ValueError(f"choose one of: {', '.join(FAULTS)}")
    cache.set(_SWITCH, fault, timeout=None)


def _switched() -> str | None:
    """The fault of every call; none while Redis is away: payments go on without it."""
    try:
        fault: str | None = cache.get(_SWITCH)
    except (RedisError, OSError):
        return None
    return fault


def _facts(token: str) -> InstrumentFacts:
    fault, card, funding, holder = [*token.split("~"), "", "", ""][:4]
    kind = InstrumentKind.BANK if funding == "bank" else InstrumentKind.CARD
    known = Funding(funding) if funding in set(Funding) else Funding.UNKNOWN
    facts = InstrumentFacts(kind, funding=known, holder=holder.replace("_", " "))
    if not card:
        return replace(facts, label=f"Sandbox: {fault.removeprefix('tok_').replace('_', ' ')}")
    number = int.from_bytes(hashlib.sha256(card.encode()).digest()[:4]) % 10_000
    return replace(facts, label=f"Sandbox •••• {number:04}", fingerprint=f"sbx:{card}")


def _secret() -> str:
    return salted_hmac("wallet.providers.sandbox", "webhooks").hexdigest()
