"""iGSP-style: one address, ``hooks``; the body's ``action`` says what is wanted; HMAC over the body and a timestamp.

Bodies: ``{action, session, player_id, currency, amount, transaction_id, round_id, game_id, reference_id, type}``;
amounts are decimals in major units, as numbers or strings. Every refusal is an error, also the undoing of a bet that is
not known: it is barred all the same.
"""

from __future__ import annotations

import hmac
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from kernel.currencies import UnknownCurrency
from kernel.money import InvalidAmount, Money
from wallet.adapters import steps
from wallet.adapters.calls import Answer, Call, Fault, Refused, fields_of, read
from wallet.types import Outcome, Posting

SIGNATURE, TIMESTAMP = "X-Signature", "X-Timestamp"
MAX_CLOCK_SKEW_SECONDS = 300
MAX_DIGITS = 20  # 1e999999999 is a short text and a number that no memory holds
ENDPOINTS = {"hooks": "POST"}

_HTTP = {
    Fault.BAD_SIGNATURE: 401,
    Fault.TOO_LARGE: 413,
    Fault.WRONG_METHOD: 405,
    Fault.MALFORMED: 400,
    Fault.WRONG_TYPES: 400,
    Fault.WRONG_CURRENCY: 400,
    Fault.UNKNOWN_SESSION: 404,
    Fault.SESSION_EXPIRED: 401,
    Fault.UNKNOWN_PLAYER: 404,
    Fault.UNKNOWN_GAME: 404,
    Fault.UNKNOWN_TRANSACTION: 404,
    Fault.INSUFFICIENT_FUNDS: 402,
    Fault.WINNINGS_SPENT: 402,
    Fault.CONFLICT: 409,
    Fault.BURIED: 409,
    Fault.ROUND_CLOSED: 409,
    Fault.INTERNAL: 500,
}
# A Decimal goes onto the wire as a JSON number, digit for digit.
_encode = msgspec.json.Encoder(decimal_format="number").encode


class BalanceForm(msgspec.Struct):
    session: str
    player_id: UUID


class BetForm(msgspec.Struct):
    session: str
    player_id: UUID
    currency: str
    amount: Decimal
    transaction_id: str
    round_id: str
    game_id: str
    type: Literal["regular", "free"] = "regular"


class WinForm(msgspec.Struct):
    player_id: UUID
    currency: str
    amount: Decimal
    transaction_id: str
    round_id: str
    reference_id: str
    session: str = ""


class RefundForm(msgspec.Struct):
    player_id: UUID
    currency: str
    transaction_id: str
    reference_id: str
    amount: Decimal | None = None
    session: str = ""


def verify(call: Call) -> bool:
    """The signature covers the body followed by the timestamp, which may be five minutes off."""
    timestamp = call.headers.get(TIMESTAMP, "").strip()
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 13):
        return False
    seconds = int(timestamp) / (1000 if len(timestamp) > 10 else 1)
    if abs(call.at.timestamp() - seconds) > MAX_CLOCK_SKEW_SECONDS:
        return False
    given = call.headers.get(SIGNATURE, "").strip().lower().encode()
    signed = call.body + timestamp.encode()
    expected = [hmac.digest(key.encode(), signed, "sha256").hex().encode() for key in call.integration.keys]
    return any(hmac.compare_digest(given, one) for one in expected)


def answer(call: Call) -> Answer:
    action = fields_of(call.body).get("action")
    if not isinstance(action, str) or action not in _ANSWERS:
        raise Refused(Fault.MALFORMED, "action is one of balance, bet, win, refund.")
    call.trace.action = action
    return _ANSWERS[action](call)


def refuse(call: Call, refused: Refused) -> Answer:
    body: dict[str, object] = {"status": "error", "code": refused.fault, "message": refused.detail}
    if refused.balance:
        body |= _money(call, refused.balance)
    return Answer(_HTTP.get(refused.fault, 403), _encode(body))


def _balance(call: Call) -> Answer:
    form = read(call.body, BalanceForm)
    steps.admit(call, form.session, form.player_id)
    return Answer(200, _encode({"status": "ok", **_money(call, steps.held(form.player_id))}))


def _bet(call: Call) -> Answer:
    form = read(call.body, BetForm)
    call.trace.reference = form.transaction_id
    steps.admit(call, form.session, form.player_id, form.transaction_id)
    game = steps.our_game(call, form.game_id)
    amount = _amount(call, form.amount, form.currency)
    free = form.type == "free"
    return _ok(call, steps.bet(call, form.player_id, form.transaction_id, game, form.round_id, amount, free=free))


def _win(call: Call) -> Answer:
    form = read(call.body, WinForm)
    call.trace.reference, call.trace.player_id = form.transaction_id, form.player_id
    call.trace.tokens.append(form.session)
    amount = _amount(call, form.amount, form.currency)
    return _ok(call, steps.win(call, form.player_id, form.transaction_id, form.reference_id, "", form.round_id, amount))


def _refund(call: Call) -> Answer:
    form = read(call.body, RefundForm)
    call.trace.reference, call.trace.player_id = form.transaction_id, form.player_id
    call.trace.tokens.append(form.session)
    stake = None if form.amount is None else _amount(call, form.amount, form.currency)
    currency = steps.held(form.player_id).currency
    posting = steps.undo(call, form.player_id, form.transaction_id, form.reference_id, currency, stake)
    if posting.outcome is Outcome.TOMBSTONED:
        raise Refused(Fault.UNKNOWN_TRANSACTION, "There is no such bet; it is barred from being placed later.")
    return _ok(call, posting)


_ANSWERS = {"balance": _balance, "bet": _bet, "win": _win, "refund": _refund}


def _ok(call: Call, posting: Posting) -> Answer:
    body = {"status": "ok", "transaction_id": str(posting.transfer_id)}
    return Answer(200, _encode(body | _money(call, posting.real + posting.bonus)))


def _money(call: Call, balance: Money) -> dict[str, object]:
    return {"currency": steps.their_currency(call, balance.currency), "balance": balance.major}


def _amount(call: Call, amount: Decimal, currency: str) -> Money:
    if not amount.is_finite() or abs(amount.adjusted()) > MAX_DIGITS:
        raise Refused(Fault.WRONG_TYPES, "The amount is out of range.")
    try:
        return Money.parse(f"{amount:f}", steps.our_currency(call, currency))
    except UnknownCurrency:
        raise Refused(Fault.WRONG_CURRENCY, "There is no such currency.") from None
    except InvalidAmount as error:
        raise Refused(Fault.WRONG_TYPES, str(error)) from None
