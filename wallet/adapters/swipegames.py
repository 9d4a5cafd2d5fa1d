"""SwipeGames-style: JSON with HMAC in hexadecimal; amounts are decimal strings; errors are HTTP 4xx with a ``code``.

A call names the session and neither player nor game: both are the session's, also after it has ended. A win names its
round and no bet.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from kernel.money import InvalidAmount, Money
from wallet.adapters import steps
from wallet.adapters.calls import Answer, Call, Fault, Refused, read
from wallet.types import Posting

SIGNATURE = "X-REQUEST-SIGN"
ENDPOINTS = {"balance": "GET", "bet": "POST", "win": "POST", "refund": "POST"}

# HTTP status, code (empty: none of the protocol's codes says it) and what the player may be shown.
_ERRORS = {
    Fault.BAD_SIGNATURE: (401, "", "Wrong signature"),
    Fault.MALFORMED: (400, "", "Malformed request"),
    Fault.WRONG_TYPES: (400, "", "Malformed request"),
    Fault.TOO_LARGE: (413, "", "Request too large"),
    Fault.WRONG_METHOD: (405, "", "Wrong method"),
    Fault.UNKNOWN_SESSION: (404, "session_not_found", "Session not found"),
    Fault.SESSION_EXPIRED: (401, "session_expired", "The session has ended"),
    Fault.UNKNOWN_PLAYER: (404, "session_not_found", "Session not found"),
    Fault.UNKNOWN_GAME: (404, "game_not_found", "Game not found"),
    Fault.WRONG_CURRENCY: (400, "currency_not_supported", "Currency not supported"),
    Fault.INSUFFICIENT_FUNDS: (402, "insufficient_funds", "Not enough money"),
    Fault.WINNINGS_SPENT: (402, "insufficient_funds", "Not enough money"),
    Fault.PLAYER_BLOCKED: (403, "account_blocked", "The account is blocked"),
    Fault.BET_LIMIT: (403, "bet_limit", "Bet limit reached"),
    Fault.LOSS_LIMIT: (403, "loss_limit", "Loss limit reached"),
    Fault.TIME_LIMIT: (403, "time_limit", "Time limit reached"),
    Fault.CONFLICT: (409, "", "Transaction id used before"),
    Fault.BURIED: (409, "", "The bet was refunded before"),
    Fault.UNKNOWN_TRANSACTION: (404, "", "Bet not found"),
    Fault.ROUND_CLOSED: (409, "", "The round is over"),
    Fault.DISABLED: (403, "client_connection_error", "Not available"),
    Fault.INTERNAL: (500, "client_connection_error", "Not available"),
}
_encode = msgspec.json.Encoder().encode

Amount = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]*)(\.[0-9]+)?$", max_length=24)]


class BetForm(msgspec.Struct):
    type: Literal["regular", "free"]
    sessionID: str  # noqa: N815  (the protocol's names)
    amount: Amount
    txID: str  # noqa: N815
    roundID: str  # noqa: N815


class RefundForm(msgspec.Struct):
    sessionID: str  # noqa: N815
    txID: str  # noqa: N815
    origTxID: str  # noqa: N815
    amount: Amount


def verify(call: Call) -> bool:
    signed = call.body
    if call.method == "GET":
        fields = dict(call.query)
        if len(fields) != len(call.query):
            return False  # a parameter that stands twice could be signed as one and read as the other
        signed = _encode(dict(sorted(fields.items())))
    given = call.headers.get(SIGNATURE, "").strip().lower().encode()
    expected = [hmac.digest(key.encode(), signed, "sha256").hex().encode() for key in call.integration.keys]
    return any(hmac.compare_digest(given, one) for one in expected)


def answer(call: Call) -> Answer:
    return _ANSWERS[call.endpoint](call)


def refuse(call: Call, refused: Refused) -> Answer:
    status, code, message = _ERRORS[refused.fault]
    body: dict[str, object] = {"message": message, "details": refused.detail}
    if code:
        body["code"] = code
    if refused.fault in (Fault.SESSION_EXPIRED, Fault.UNKNOWN_SESSION):
        body["action"] = "refresh"
    if refused.balance:
        body["actionData"] = _encode({"balance": str(refused.balance)}).decode()
    return Answer(status, _encode(body))


def _balance(call: Call) -> Answer:
    token = dict(call.query).get("sessionID")
    if token is None:
        raise Refused(Fault.MALFORMED, "sessionID is missing.")
    session = steps.admit(call, token)
    return Answer(200, _encode({"balance": str(steps.held(session.player_id))}))


def _bet(call: Call) -> Answer:
    form = read(call.body, BetForm)
    call.trace.reference = form.txID
    session = steps.admit(call, form.sessionID, key=form.txID)
    amount = _amount(form.amount, session.currency)
    free = form.type == "free"
    posting = steps.bet(call, session.player_id, form.txID, session.game, form.roundID, amount, free=free)
    return _ok(call, form.txID, posting)


def _win(call: Call) -> Answer:
    form = read(call.body, BetForm)
    call.trace.reference = form.txID
    session = steps.find_session(call, form.sessionID)
    amount = _amount(form.amount, session.currency)
    posting = steps.win(call, session.player_id, form.txID, None, session.game, form.roundID, amount)
    return _ok(call, form.txID, posting)


def _refund(call: Call) -> Answer:
    form = read(call.body, RefundForm)
    call.trace.reference = form.txID
    session = steps.find_session(call, form.sessionID)
    amount = _amount(form.amount, session.currency)
    posting = steps.undo(call, session.player_id, form.txID, form.origTxID, session.currency, amount)
    return _ok(call, form.txID, posting)


_ANSWERS = {"balance": _balance, "bet": _bet, "win": _win, "refund": _refund}


def _ok(call: Call, their_id: str, posting: Posting) -> Answer:
    """``txID`` is our transaction; where nothing was written (a bet that never came), a name made of theirs."""
    source = call.integration.details.source
    ours = posting.transfer_id or uuid5(NAMESPACE_URL, f"{source}:{their_id}")
    return Answer(200, _encode({"balance": str(posting.real + posting.bonus), "txID": str(ours)}))


def _amount(text: str, currency: str) -> Money:
    try:
        return Money.parse(text, currency)
    except InvalidAmount as error:
        raise Refused(Fault.WRONG_TYPES, str(error)) from None
