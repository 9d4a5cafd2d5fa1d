"""Three aggregators as they would call us: each builds its own bodies and signatures, and sends bytes over HTTP.

Nothing of wallet.adapters is used here: what signs is written a second time, from the protocols' descriptions.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import time
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SECRET = "a shared secret of the tests"


@dataclass(frozen=True)
class Reply:
    """What came back. ``error`` is the protocol's own word, empty for a success."""

    status: int
    body: dict[str, Any]
    error: str
    balance: str | None

    @property
    def ok(self) -> bool:
        return not self.error


@cache
def private_key(name: str = "main") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(name: str = "main") -> str:
    return (
        private_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class Aggregator:
    """One of the three. ``game`` is its own code of the game that it plays unless a call names another."""

    base: str
    player: str
    token: str
    code: str = ""
    game: str = "their-fruits"
    currency: str = "EUR"
    key: str = "main"
    protocol: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.code = self.code or self.protocol

    def send(
        self, method: str, endpoint: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Bytes as they are; a body without a signature unless ``headers`` bring one."""
        where = urlsplit(self.base)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        path = f"/adapters/{self.protocol}/{self.code}/{endpoint}"
        connection.request(method, path, body or None, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data

    def post_and_hang_up(self, endpoint: str, body: dict[str, Any]) -> None:
        """Send it whole, and close the socket without reading a byte of the answer."""
        raw = json.dumps(body).encode()
        where = urlsplit(self.base)
        headers = {"Host": where.netloc, "Content-Type": "application/json", "Content-Length": str(len(raw))}
        head = f"POST /adapters/{self.protocol}/{self.code}/{endpoint} HTTP/1.1"
        lines = "\r\n".join([head, *(f"{name}: {value}" for name, value in (headers | self.signed(raw)).items())])
        with socket.create_connection((where.hostname or "", where.port or 80), timeout=30) as connection:
            connection.sendall(f"{lines}\r\n\r\n".encode() + raw)

    def signed(self, body: bytes) -> dict[str, str]:
        raise NotImplementedError

    def reply(self, status: int, data: bytes) -> Reply:
        raise NotImplementedError

    def post(self, endpoint: str, body: bytes | dict[str, Any]) -> Reply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.reply(*self.send("POST", endpoint, raw, self.signed(raw)))


@dataclass
class Hub88(Aggregator):
    def __post_init__(self) -> None:
        self.protocol = "hub88"
        super().__post_init__()

    bet_endpoint = "transaction/bet"
    win_endpoint = "transaction/win"

    def signed(self, body: bytes) -> dict[str, str]:
        signature = private_key(self.key).sign(body, padding.PKCS1v15(), hashes.SHA256())
        return {"X-Hub88-Signature": base64.b64encode(signature).decode()}

    def reply(self, status: int, data: bytes) -> Reply:
        body = json.loads(data)
        balance = f"{Decimal(body['balance']) / 100_000:.2f}" if "balance" in body else None
        return Reply(status, body, "" if body.get("status") == "RS_OK" else body.get("status", "?"), balance)

    def bet_body(
        self, key: str, amount: str, *, round_id: str = "r1", free: bool = False, **more: Any
    ) -> dict[str, Any]:
        return {
            "user": self.player,
            "token": self.token,
            "transaction_uuid": key,
            "supplier_transaction_id": f"s-{key}",
            "round": round_id,
            "round_closed": False,
            "request_uuid": new_id(),
            "is_free": free,
            "game_code": self.game,
            "currency": self.currency,
            "amount": int(Decimal(amount) * 100_000),
            "bet": "zero",
            "meta": {"selection": "home"},
        } | more

    def bet(self, key: str, amount: str, **more: Any) -> Reply:
        return self.post("transaction/bet", self.bet_body(key, amount, **more))

    def win_body(self, key: str, bet: str, amount: str, **more: Any) -> dict[str, Any]:
        return self.bet_body(key, amount, **{"reference_transaction_uuid": bet, "round_closed": True} | more)

    def win(self, key: str, bet: str, amount: str, **more: Any) -> Reply:
        return self.post("transaction/win", self.win_body(key, bet, amount, **more))

    def undo(self, key: str, bet: str, amount: str = "0", **more: Any) -> Reply:
        body = {
            "user": self.player,
            "token": self.token,
            "transaction_uuid": key,
            "reference_transaction_uuid": bet,
            "request_uuid": new_id(),
            "round": "r1",
            "round_closed": True,
            "game_code": self.game,
        }
        return self.post("transaction/rollback", body | more)

    def balance(self) -> Reply:
        body = {"user": self.player, "token": self.token, "request_uuid": new_id(), "game_code": self.game}
        return self.post("user/balance", body)


@dataclass
class SwipeGames(Aggregator):
    def __post_init__(self) -> None:
        self.protocol = "swipegames"
        super().__post_init__()

    bet_endpoint = "bet"
    win_endpoint = "win"

    def signed(self, body: bytes) -> dict[str, str]:
        return {"X-REQUEST-SIGN": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}

    def reply(self, status: int, data: bytes) -> Reply:
        body = json.loads(data)
        error = "" if status == 200 else body.get("code") or str(status)
        balance = body.get("balance") or json.loads(body.get("actionData", "{}")).get("balance")
        return Reply(status, body, error, balance)

    def bet_body(
        self, key: str, amount: str, *, round_id: str = "r1", free: bool = False, **more: Any
    ) -> dict[str, Any]:
        body = {
            "type": "free" if free else "regular",
            "sessionID": self.token,
            "amount": amount,
            "txID": key,
            "roundID": round_id,
        }
        return body | ({"frID": "campaign"} if free else {}) | more

    def bet(self, key: str, amount: str, **more: Any) -> Reply:
        return self.post("bet", self.bet_body(key, amount, **more))

    def win_body(self, key: str, bet: str, amount: str, **more: Any) -> dict[str, Any]:
        return self.bet_body(key, amount, **more)

    def win(self, key: str, bet: str, amount: str, **more: Any) -> Reply:
        """This protocol's wins name the round, never the bet."""
        return self.post("win", self.win_body(key, bet, amount, **more))

    def undo(self, key: str, bet: str, amount: str = "10.00", **more: Any) -> Reply:
        body = {"sessionID": self.token, "txID": key, "origTxID": bet, "roundID": "r1", "amount": amount}
        return self.post("refund", body | more)

    def balance(self) -> Reply:
        query = {"sessionID": self.token}
        canonical = json.dumps(query, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return self.reply(
            *self.send("GET", f"balance?{urlencode(query, quote_via=quote)}", b"", self.signed(canonical))
        )


@dataclass
class Igsp(Aggregator):
    def __post_init__(self) -> None:
        self.protocol = "igsp"
        super().__post_init__()

    bet_endpoint = win_endpoint = "hooks"
    seconds_off: int = 0

    def signed(self, body: bytes) -> dict[str, str]:
        stamp = str(int(time.time()) + self.seconds_off)
        signature = hmac.new(SECRET.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
        return {"X-Signature": signature, "X-Timestamp": stamp}

    def reply(self, status: int, data: bytes) -> Reply:
        body = json.loads(data, parse_float=Decimal)
        error = "" if body["status"] == "ok" else body["code"]
        return Reply(status, body, error, str(body["balance"]) if "balance" in body else None)

    def bet_body(
        self, key: str, amount: str, *, round_id: str = "r1", free: bool = False, **more: Any
    ) -> dict[str, Any]:
        return {
            "action": "bet",
            "session": self.token,
            "player_id": self.player,
            "currency": self.currency,
            "amount": float(amount),
            "transaction_id": key,
            "round_id": round_id,
            "game_id": self.game,
            "type": "free" if free else "regular",
        } | more

    def bet(self, key: str, amount: str, **more: Any) -> Reply:
        return self.post("hooks", self.bet_body(key, amount, **more))

    def win_body(self, key: str, bet: str, amount: str, **more: Any) -> dict[str, Any]:
        return self.bet_body(key, amount, **{"action": "win", "reference_id": bet} | more)

    def win(self, key: str, bet: str, amount: str, **more: Any) -> Reply:
        return self.post("hooks", self.win_body(key, bet, amount, **more))

    def undo(self, key: str, bet: str, amount: str | None = None, **more: Any) -> Reply:
        body = {
            "action": "refund",
            "session": self.token,
            "player_id": self.player,
            "currency": self.currency,
            "transaction_id": key,
            "reference_id": bet,
        }
        return self.post("hooks", body | ({"amount": amount} if amount else {}) | more)

    def balance(self) -> Reply:
        body = {"action": "balance", "session": self.token, "player_id": self.player}
        return self.post("hooks", body)


KINDS: dict[str, type[Aggregator]] = {"hub88": Hub88, "swipegames": SwipeGames, "igsp": Igsp}
