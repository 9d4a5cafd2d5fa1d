"""What comes before any money: signatures over odd bytes, garbage, methods, addresses, keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kernel import clock
from tests.factories import ACTOR
from tests.wallet.adapters.aggregators import public_pem
from tests.wallet.adapters.test_conformance import says
from wallet.adapters.dispatch import forget_integrations
from wallet.selectors_adapters import list_integration_keys
from wallet.services.integrations import add_key, revoke_key

pytestmark = pytest.mark.usefixtures("db")


def odd(body: dict[str, Any], way: str) -> bytes:
    """The same content in bytes that nobody who writes JSON anew would come to."""
    if way == "spaces":
        return json.dumps(body, indent=3, separators=(" ,", " :  ")).encode()
    if way == "key order":
        return json.dumps(dict(reversed(body.items()))).encode()
    if way == "trailing newline":
        return json.dumps(body).encode() + b"\r\n\n"
    if way == "leading blanks":
        return b" \t" + json.dumps(body).encode()
    if way == "raw unicode":
        return json.dumps(body | {"meta": "żółć 🎰"}, ensure_ascii=False).encode()
    return json.dumps(body | {"meta": "żółć 🎰"}).replace("1", "\\u0031" if way == "escapes" else "1").encode()


@pytest.mark.parametrize(
    "way", ["spaces", "key order", "trailing newline", "leading blanks", "raw unicode", "unicode escapes"]
)
def test_the_signature_is_over_the_bytes_as_they_came(aggregator: Any, way: str) -> None:
    body = odd(aggregator.bet_body("b1", "10.00"), way)
    reply = aggregator.post(aggregator.bet_endpoint, body)
    assert (reply.ok, reply.balance) == (True, "90.00"), reply.body


@pytest.mark.parametrize("change", [b" ", b"\n", b"\0"])
def test_one_byte_more_breaks_the_signature(aggregator: Any, change: bytes) -> None:
    body = json.dumps(aggregator.bet_body("b1", "10.00")).encode()
    status, data = aggregator.send("POST", aggregator.bet_endpoint, body + change, aggregator.signed(body))
    says(aggregator.reply(status, data), "signature", aggregator)
    assert aggregator.balance().balance == "100.00"


@pytest.mark.parametrize("forged", [None, "", "AAAA", "zz!", "ä", "0" * 64])
def test_without_a_good_signature_nothing_happens(aggregator: Any, forged: str | None) -> None:
    body = json.dumps(aggregator.bet_body("b1", "10.00")).encode()
    headers = dict.fromkeys(aggregator.signed(body), forged or "") if forged is not None else {}
    headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    says(aggregator.reply(*aggregator.send("POST", aggregator.bet_endpoint, body, headers)), "signature", aggregator)


def test_a_key_is_changed_without_a_gap(aggregator: Any) -> None:
    """The new key is added, both are good, the old one is revoked."""
    old = list_integration_keys(aggregator.code)[0]
    new = public_pem("new") if aggregator.protocol == "hub88" else "another secret, long enough"
    assert aggregator.bet("b1", "1.00").ok
    add_key(integration=aggregator.code, name="second", key=new, actor=ACTOR, at=clock.now())
    forget_integrations()
    assert aggregator.bet("b2", "1.00").ok
    revoke_key(integration=aggregator.code, key_id=old.id, actor=ACTOR, at=clock.now())
    forget_integrations()
    says(aggregator.bet("b3", "1.00"), "signature", aggregator)
    if aggregator.protocol == "hub88":
        aggregator.key = "new"
        assert aggregator.bet("b4", "1.00").ok


def test_an_integration_without_a_key_takes_nothing(aggregator: Any) -> None:
    for key in list_integration_keys(aggregator.code):
        revoke_key(integration=aggregator.code, key_id=key.id, actor=ACTOR, at=clock.now())
    forget_integrations()
    says(aggregator.balance(), "signature", aggregator)


def test_only_listed_addresses_may_call(connect: Callable[..., Any]) -> None:
    for protocol in ("hub88", "swipegames", "igsp"):
        assert connect(protocol, allowed_ips=("127.0.0.0/8",)).balance().ok
        elsewhere = connect(protocol, code=f"{protocol}-elsewhere", allowed_ips=("203.0.113.7", "2001:db8::/32"))
        says(elsewhere.balance(), "signature", elsewhere)


GARBAGE = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b"\xff\xfe",
    b'{"user": "\\ud800"}',
    b"[" * 30_000,
    b'{"action": ["bet"]}',
    b'{"action": "bet"}',
    b'{"action": "steal"}',
]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_signed_garbage_is_refused_in_the_protocols_words(aggregator: Any, body: bytes) -> None:
    reply = aggregator.post(aggregator.bet_endpoint, body)
    if aggregator.protocol == "hub88":
        assert (reply.status, reply.error) in [(200, "RS_ERROR_WRONG_SYNTAX"), (200, "RS_ERROR_WRONG_TYPES")]
    else:
        assert reply.status == 400, reply.body


def test_a_truncated_body_is_refused(aggregator: Any) -> None:
    body = json.dumps(aggregator.bet_body("b1", "10.00")).encode()
    for length in (1, len(body) // 2, len(body) - 1):
        reply = aggregator.post(aggregator.bet_endpoint, body[:length])
        assert not reply.ok
        assert reply.status in (200, 400)
    assert aggregator.balance().balance == "100.00"


def test_a_huge_body_is_refused_unread(aggregator: Any) -> None:
    body = b'{"meta": "' + b"x" * 70_000 + b'"}'
    status, data = aggregator.send("POST", aggregator.bet_endpoint, body, aggregator.signed(body))
    assert status == 413
    assert aggregator.reply(status, data).error


@pytest.mark.parametrize("field", ["amount", "round", "key"])
def test_each_wrong_type_is_refused(aggregator: Any, field: str) -> None:
    names = {
        "hub88": {"amount": "amount", "round": "round", "key": "transaction_uuid"},
        "swipegames": {"amount": "amount", "round": "roundID", "key": "txID"},
        "igsp": {"amount": "amount", "round": "round_id", "key": "transaction_id"},
    }[aggregator.protocol]
    wrong: list[Any] = [None, True, [], {}, "", "x" * 201 if field != "amount" else "12,5", "\n"]
    if field == "amount":
        wrong += [-1, "-1.00", "1e999999999", 10**30, "NaN", "1.005" if aggregator.protocol != "hub88" else 1]
    for value in wrong:
        body = aggregator.bet_body("b1", "10.00") | {names[field]: value}
        reply = aggregator.post(aggregator.bet_endpoint, body)
        assert not reply.ok, value
        assert reply.status == (200 if aggregator.protocol == "hub88" else 400), (value, reply.body)
    assert aggregator.balance().balance == "100.00"


def test_the_wrong_method(aggregator: Any) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        status, _ = aggregator.send(method, aggregator.bet_endpoint)
        assert status == 405, method


def test_addresses_that_are_none(aggregator: Any) -> None:
    code = aggregator.code
    for wrong in ("nobody", "x" * 300):
        aggregator.code = wrong
        assert aggregator.send("POST", aggregator.bet_endpoint, b"{}")[0] == 404
    aggregator.code = code
    assert aggregator.send("POST", "transaction/steal", b"{}")[0] == 404
    protocol = aggregator.protocol
    aggregator.protocol = "igsp" if protocol == "hub88" else "hub88"
    assert aggregator.send("POST", aggregator.bet_endpoint, b"{}")[0] == 404
    aggregator.protocol = "soap"
    assert aggregator.send("POST", aggregator.bet_endpoint, b"{}")[0] == 404
