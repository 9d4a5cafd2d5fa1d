"""Bets of a Hub88-style aggregator over HTTP: signed beforehand, sent by wrk over eight connections."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from benchmarks.ground import ACTOR, GAME, player_id
from kernel import clock
from wallet.services.game_sessions import issue_session
from wallet.services.integrations import add_key, create_integration, map_games
from wallet.types_adapters import AdapterProtocol

CONNECTIONS = 8
PLAYERS = 1_000
# More than any run sends: a request that is sent twice would measure a replay.
REQUESTS_PER_SECOND = 2_500

_LUA = """
local requests, next = {}, 0
for line in io.lines(%r) do
    local signature, body = line:match("^(%%S+) (.*)$")
    requests[#requests + 1] = wrk.format("POST", nil, {
        ["X-Hub88-Signature"] = signature, ["Content-Type"] = "application/json"}, body)
end
function request()
    next = next + 1
    return requests[next]
end
function response(status, headers, body)
    if not body:find("RS_OK") then io.write("refused: ", body, "\\n") end
end
"""


class WrkMissing(RuntimeError):
    """wrk is not installed (Debian's package wrk)."""


def bets_a_second(port: int, seconds: int) -> float:
    """Raises: WrkMissing."""
    if not shutil.which("wrk"):
        raise WrkMissing("install wrk to measure adapters")
    code = f"bench-{uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory() as folder:
        requests, script = Path(folder) / "requests", Path(folder) / "bets.lua"
        requests.write_text("\n".join(_signed(code, seconds * REQUESTS_PER_SECOND)) + "\n")
        script.write_text(_LUA % str(requests))
        url = f"http://127.0.0.1:{port}/adapters/hub88/{code}/transaction/bet"
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "refused" not in done.stdout, done.stdout
    assert "Non-2xx" not in done.stdout, done.stdout
    print(done.stdout)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])


def _signed(code: str, count: int) -> list[str]:
    """An integration, sessions of a thousand players, and this many bets: signature and body of each."""
    at, key = clock.now(), rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    create_integration(code=code, name="Benchmarks", protocol=AdapterProtocol.HUB88, actor=ACTOR, at=at)
    add_key(integration=code, name="bench", key=pem.decode(), actor=ACTOR, at=at)
    map_games(integration=code, games={GAME: GAME}, actor=ACTOR, at=at)
    tokens = [
        issue_session(
            player_id=player_id(number + 1),
            integration=code,
            game=GAME,
            ttl_seconds=int(timedelta(hours=1).total_seconds()),
            source="bench",
            idempotency_key=f"{code}-{number}",
            actor=ACTOR,
            at=at,
        )[1]
        for number in range(PLAYERS)
    ]
    lines = []
    for number in range(count):
        body = {
            "user": str(player_id(number % PLAYERS + 1)),
            "token": tokens[number % PLAYERS],
            "transaction_uuid": str(uuid4()),
            "supplier_transaction_id": str(number),
            "round": f"round-{number}",
            "round_closed": False,
            "request_uuid": str(uuid4()),
            "is_free": False,
            "game_code": GAME,
            "currency": "EUR",
            "amount": 100_000,
        }
        raw = json.dumps(body)
        signature = key.sign(raw.encode(), padding.PKCS1v15(), hashes.SHA256())
        lines.append(f"{base64.b64encode(signature).decode()} {raw}")
    return lines
