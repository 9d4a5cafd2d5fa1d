"""Hub88-style: JSON over POST, RSA-signed; every business answer is HTTP 200 with a ``status``.

Only requests are signed. A retry is told by its transaction: the same content gets the same status again, with the
balance of now.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import cast
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from kernel.currencies import UnknownCurrency
from kernel.money import InvalidAmount, Money
from players.selectors import UnknownPlayer, get_player, list_labels
from players.types import SHOWN_LABELS
from wallet.adapters import steps
from wallet.adapters.calls import Answer, Call, Fault, Refused, fields_of, read
from wallet.rules_adapters import from_units, to_units

SIGNATURE = "X-Hub88-Signature"
ENDPOINTS = dict.fromkeys(
    ("user/info", "user/balance", "transaction/bet", "transaction/win", "transaction/rollback"), "POST"
)

_STATUS = {
    Fault.BAD_SIGNATURE: "RS_ERROR_INVALID_SIGNATURE",
    Fault.MALFORMED: "RS_ERROR_WRONG_SYNTAX",
    Fault.TOO_LARGE: "RS_ERROR_WRONG_SYNTAX",
    Fault.WRONG_METHOD: "RS_ERROR_WRONG_SYNTAX",
    Fault.WRONG_TYPES: "RS_ERROR_WRONG_TYPES",
    Fault.UNKNOWN_SESSION: "RS_ERROR_INVALID_TOKEN",
    Fault.SESSION_EXPIRED: "RS_ERROR_TOKEN_EXPIRED",
    Fault.UNKNOWN_GAME: "RS_ERROR_INVALID_GAME",
    Fault.WRONG_CURRENCY: "RS_ERROR_WRONG_CURRENCY",
    Fault.INSUFFICIENT_FUNDS: "RS_ERROR_NOT_ENOUGH_MONEY",
    Fault.WINNINGS_SPENT: "RS_ERROR_NOT_ENOUGH_MONEY",
    Fault.PLAYER_BLOCKED: "RS_ERROR_USER_DISABLED",
    Fault.BET_LIMIT: "RS_ERROR_LIMIT_REACHED",
    Fault.LOSS_LIMIT: "RS_ERROR_LIMIT_REACHED",
    Fault.TIME_LIMIT: "RS_ERROR_LIMIT_REACHED",
    Fault.CONFLICT: "RS_ERROR_DUPLICATE_TRANSACTION",
    Fault.BURIED: "RS_ERROR_DUPLICATE_TRANSACTION",
    Fault.ROUND_CLOSED: "RS_ERROR_UNKNOWN",  # the protocol has no word of its own for it
    Fault.UNKNOWN_TRANSACTION: "RS_ERROR_TRANSACTION_DOES_NOT_EXIST",
    Fault.DISABLED: "RS_ERROR_INVALID_PARTNER",
}
_HTTP = {Fault.TOO_LARGE: 413, Fault.WRONG_METHOD: 405, Fault.INTERNAL: 500}
_encode = msgspec.json.Encoder().encode


class InfoForm(msgspec.Struct):
    user: str
    request_uuid: str


class BalanceForm(msgspec.Struct):
    user: str
    token: str
    request_uuid: str


class BetForm(msgspec.Struct):
    user: str
    token: str
    transaction_uuid: str
    request_uuid: str
    round: str
    game_code: str
    currency: str
    amount: int
    is_free: bool = False
    is_supplier_promo: bool = False
    round_closed: bool = False


class WinForm(msgspec.Struct):
    user: str
    transaction_uuid: str
    reference_transaction_uuid: str
    request_uuid: str
    round: str
    currency: str
    amount: int
    token: str = ""
    round_closed: bool | None = None


class RollbackForm(msgspec.Struct):
    user: str
    transaction_uuid: str
    reference_transaction_uuid: str
    request_uuid: str
    token: str = ""
    round: str = ""
    round_closed: bool = False
    game_code: str = ""


def verify(call: Call) -> bool:
    try:
        signature = base64.b64decode(call.headers.get(SIGNATURE, ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    for pem in call.integration.keys:
        try:
            _public_key(pem).verify(signature, call.body, PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return True
    return False


def answer(call: Call) -> Answer:
    return _ANSWERS[call.endpoint](call)


def refuse(call: Call, refused: Refused) -> Answer:
    sent = fields_of(call.body)
    body: dict[str, object] = {
        "user": sent.get("user") if isinstance(sent.get("user"), str) else "",
        "status": _STATUS.get(refused.fault, "RS_ERROR_UNKNOWN"),
        "request_uuid": sent.get("request_uuid") if isinstance(sent.get("request_uuid"), str) else "",
    }
    if refused.balance:
        body |= _money(call, refused.balance)
    return Answer(_HTTP.get(refused.fault, 200), _encode(body))


def _info(call: Call) -> Answer:
    form = read(call.body, InfoForm)
    steps.need_active(call)
    try:
        player = get_player(_player_id(call, form.user))
    except UnknownPlayer:
        raise Refused(Fault.UNKNOWN_PLAYER, "There is no such player.") from None
    body: dict[str, object] = {
        "user": form.user,
        "status": "RS_OK",
        "request_uuid": form.request_uuid,
        "country": player.country,
        "jurisdiction": player.country,
        "sub_partner_id": call.integration.details.code,
        "birth_date": player.birth_date.isoformat() if player.birth_date else None,
        "registration_date": player.registered_at.date().isoformat(),
        "tags": [label.value for label in list_labels(player.id) if label.namespace in SHOWN_LABELS],
        "sex": None,  # not known here, as affiliates are not
        "affiliate_id": None,
    }
    return Answer(200, _encode(body), personal=True)


def _balance(call: Call) -> Answer:
    form = read(call.body, BalanceForm)
    player_id = _player_id(call, form.user)
    steps.admit(call, form.token, player_id)
    return _ok(call, form.user, form.request_uuid, steps.held(player_id))


def _bet(call: Call) -> Answer:
    form = read(call.body, BetForm)
    call.trace.reference = form.transaction_uuid
    player_id = _player_id(call, form.user)
    steps.admit(call, form.token, player_id, form.transaction_uuid)
    game = steps.our_game(call, form.game_code)
    amount = _amount(call, form.amount, form.currency)
    posting = steps.bet(
        call,
        player_id,
        form.transaction_uuid,
        game,
        form.round,
        amount,
        free=form.is_free,
        promotion=form.is_supplier_promo,
        round_closed=form.round_closed,
    )
    return _ok(call, form.user, form.request_uuid, posting.real + posting.bonus)


def _win(call: Call) -> Answer:
    form = read(call.body, WinForm)
    call.trace.reference = form.transaction_uuid
    call.trace.tokens.append(form.token)
    player_id = _player_id(call, form.user)
    amount = _amount(call, form.amount, form.currency)
    reference = form.reference_transaction_uuid
    posting = steps.win(
        call, player_id, form.transaction_uuid, reference, "", form.round, amount, round_closed=form.round_closed
    )
    return _ok(call, form.user, form.request_uuid, posting.real + posting.bonus)


def _rollback(call: Call) -> Answer:
    form = read(call.body, RollbackForm)
    call.trace.reference = form.transaction_uuid
    call.trace.tokens.append(form.token)
    player_id = _player_id(call, form.user)
    currency = steps.held(player_id).currency
    reference = form.reference_transaction_uuid
    posting = steps.undo(call, player_id, form.transaction_uuid, reference, currency, None)
    game = call.integration.games.get(form.game_code)
    if form.round_closed and posting.ok and game and form.round:
        steps.close(call, player_id, form.transaction_uuid, game, form.round, currency)
    return _ok(call, form.user, form.request_uuid, posting.real + posting.bonus)


_ANSWERS = {
    "user/info": _info,
    "user/balance": _balance,
    "transaction/bet": _bet,
    "transaction/win": _win,
    "transaction/rollback": _rollback,
}


def _ok(call: Call, user: str, request_uuid: str, balance: Money) -> Answer:
    body = {"user": user, "status": "RS_OK", "request_uuid": request_uuid, **_money(call, balance)}
    return Answer(200, _encode(body))


def _money(call: Call, balance: Money) -> dict[str, object]:
    return {
        "currency": steps.their_currency(call, balance.currency),
        "balance": to_units(balance, call.integration.details.amount_scale),
    }


def _amount(call: Call, units: int, currency: str) -> Money:
    try:
        return from_units(units, call.integration.details.amount_scale, steps.our_currency(call, currency))
    except UnknownCurrency:
        raise Refused(Fault.WRONG_CURRENCY, "There is no such currency.") from None
    except InvalidAmount as error:
        raise Refused(Fault.WRONG_TYPES, str(error)) from None


def _player_id(call: Call, user: str) -> UUID:
    """``user`` is our player id."""
    try:
        call.trace.player_id = UUID(user)
    except ValueError:
        raise Refused(Fault.UNKNOWN_PLAYER, "There is no such player.") from None
    return call.trace.player_id


@lru_cache(maxsize=64)
def _public_key(pem: str) -> RSAPublicKey:
    return cast(RSAPublicKey, load_pem_public_key(pem.encode()))
