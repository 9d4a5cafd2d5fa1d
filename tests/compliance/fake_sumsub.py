"""A small server that speaks Sumsub's protocol over loopback: what its documentation promises, kept in memory."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections import Counter
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN, SECRET, WEBHOOK_SECRET = "sbx:token-of-the-tests", "secret-of-the-tests", "webhook-secret-of-the-tests"


class FakeSumsub:
    """``faults`` are taken one per call: "lose" (nothing happens, no answer), "drop" (done, no answer), "slow", or a status."""

    def __init__(self) -> None:
        self.applicants: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.faults: list[str | int] = []
        self.slow = threading.Event()
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake._answer(self, "GET", b"")

            def do_POST(self) -> None:
                fake._answer(self, "POST", self.rfile.read(int(self.headers["Content-Length"] or 0)))

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.slow.set()
        self._server.shutdown()
        self._server.server_close()

    def review(self, player_id: object, answer: str, kind: str = "", labels: tuple[str, ...] = ()) -> dict[str, Any]:
        """What a review came to, as ``reviewResult``."""
        result: dict[str, Any] = {"reviewAnswer": answer}
        if answer == "RED":
            result |= {"rejectLabels": list(labels), "reviewRejectType": kind, "moderationComment": "Look again"}
        applicant = self.of(player_id)
        applicant["review"] = {"reviewStatus": "completed", "reviewResult": result, "attemptCnt": 1}
        return result

    def of(self, player_id: object) -> dict[str, Any]:
        return next(one for one in self.applicants.values() if one["externalUserId"] == str(player_id))

    def webhook(
        self, player_id: object, kind: str, at: datetime, *, secret: str = WEBHOOK_SECRET, **more: object
    ) -> tuple[dict[str, str], bytes]:
        """A signed webhook: headers and raw body."""
        applicant = self.of(player_id)
        body = json.dumps(
            {
                "applicantId": applicant["id"],
                "inspectionId": f"inspection-{applicant['id']}",
                "correlationId": "req-1",
                "externalUserId": applicant["externalUserId"],
                "levelName": "basic",
                "type": kind,
                "reviewStatus": "completed" if kind == "applicantReviewed" else "pending",
                "createdAtMs": at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}",
                "sandboxMode": False,
                **more,
            }
        ).encode()
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return {"X-Payload-Digest": digest, "X-Payload-Digest-Alg": "HMAC_SHA256_HEX"}, body

    def _answer(self, request: BaseHTTPRequestHandler, method: str, body: bytes) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault == "slow":
            self.slow.wait(5)
            return
        if fault == "lose":
            request.connection.close()
            return
        with self._lock:
            self.calls[f"{method} {urlsplit(request.path).path}"] += 1
            status, data = self._carry_out(request, method, body)
        if fault == "drop":
            request.connection.close()
            return
        if isinstance(fault, int):
            status, data = fault, {"description": "something is wrong there", "code": fault}
        raw = b"<html>" if fault == 200 else json.dumps(data).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    def _carry_out(self, request: BaseHTTPRequestHandler, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
        signed = request.headers["X-App-Access-Ts"].encode() + method.encode() + request.path.encode() + body
        wanted = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        if request.headers["X-App-Token"] != TOKEN or request.headers["X-App-Access-Sig"] != wanted:
            return 401, {"description": "Invalid signature", "code": 401}
        url = urlsplit(request.path)
        if method == "POST" and url.path == "/resources/applicants":
            return self._create(json.loads(body), parse_qs(url.query)["levelName"][0])
        if method == "POST" and url.path == "/resources/accessTokens/sdk":
            return 200, {"token": f"_act-{json.loads(body)['userId']}", "userId": json.loads(body)["userId"]}
        if url.path.endswith("/status"):
            found = self.applicants.get(url.path.split("/")[-2])
            return (200, found["review"]) if found else (404, {"code": 404})
        if url.path.startswith("/resources/applicants/-;externalUserId="):
            external_id = url.path.partition("=")[2].partition("/")[0]
            found = next((one for one in self.applicants.values() if one["externalUserId"] == external_id), None)
            return (200, found) if found else (404, {"code": 404, "description": "Applicant not found"})
        return 404, {"code": 404}

    def _create(self, data: dict[str, Any], level: str) -> tuple[int, dict[str, Any]]:
        external_id = data["externalUserId"]
        if any(one["externalUserId"] == external_id for one in self.applicants.values()):
            return 409, {"code": 409, "description": f"Applicant with external user id '{external_id}' already exists"}
        number = f"{len(self.applicants) + 1:024x}"
        self.applicants[number] = {
            "id": number,
            "externalUserId": external_id,
            "fixedInfo": data["fixedInfo"],
            "levelName": level,
            "review": {"reviewStatus": "init"},
        }
        return 201, self.applicants[number]
