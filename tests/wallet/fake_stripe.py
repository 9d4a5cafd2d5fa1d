"""A small server that speaks Stripe's protocol over loopback: what its documentation promises, kept in memory."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from wallet.providers import signing

KEY = "sk_test_of_the_tests"
SECRET = "whsec_of_the_tests"


class FakeStripe:
    """``faults`` are taken one per call: "drop" (carried out, no answer), "lose" (not carried out), or a status."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {}
        self.calls: Counter[str] = Counter()
        self.requests: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        self.faults: list[str | int] = []
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake._answer(self, "GET", {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                fake._answer(self, "POST", {name: values[0] for name, values in parse_qs(body).items()})

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def event(self, kind: str, thing: dict[str, Any], at: datetime, number: int = 1) -> tuple[dict[str, str], bytes]:
        """A signed webhook: headers and raw body."""
        body = json.dumps({"id": f"evt_{number}", "object": "event", "type": kind, "data": {"object": thing}}).encode()
        return {"Stripe-Signature": f"{signing.sign(body, SECRET, at)},v0=ignored"}, body

    def _answer(self, request: BaseHTTPRequestHandler, method: str, form: dict[str, str]) -> None:
        url = urlsplit(request.path)
        form |= {name: values[0] for name, values in parse_qs(url.query).items()}
        with self._lock:
            self.calls[f"{method} {url.path}"] += 1
            headers = dict(request.headers.items())
            self.requests.append((method, url.path, form, headers))
            fault = self.faults.pop(0) if self.faults else None
            if fault == "lose":
                request.connection.close()
                return
            if isinstance(fault, int):
                status, body = fault, {"error": {"type": "api_error", "message": "something is wrong there"}}
            elif headers.get("Authorization") != f"Bearer {KEY}":
                status, body = 401, {"error": {"type": "invalid_request_error"}}
            else:
                status, body = self._once(method, url.path, form, headers.get("Idempotency-Key", ""))
        if fault == "drop":
            request.connection.close()
            return
        raw = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    def _once(self, method: str, path: str, form: dict[str, str], key: str) -> tuple[int, dict[str, Any]]:
        if method == "GET":
            return self._read(path, form)
        if not key:
            return 400, {"error": {"type": "test_error", "message": "every POST carries an Idempotency-Key here"}}
        if key in self.by_key:
            status, body, first = self.by_key[key]
            return (status, body) if first == form else (400, {"error": {"type": "idempotency_error"}})
        status, body = self._write(path, form)
        self.by_key[key] = (status, body, form)
        return status, body

    def _read(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if path.endswith("/search"):
            wanted = form["query"].removeprefix("metadata['payment_id']:").strip("'")
            found = [thing for thing in self.things.values() if thing["metadata"].get("payment_id") == wanted]
            return 200, {"object": "search_result", "data": found}
        thing = self.things.get(path.rsplit("/", 1)[1])
        return (
            (200, thing) if thing else (404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}})
        )

    def _write(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if path == "/v1/payouts":
            status = {"ba_pending": "pending", "ba_closed": "failed"}.get(form["destination"], "paid")
            thing = self._keep("po", form, status=status, failure_code="account_closed" if status == "failed" else None)
            return 200, thing
        if path.endswith("/capture"):
            thing = self.things[path.split("/")[3]]
            thing |= {"status": "succeeded", "amount_received": thing["amount"]}
            return 200, thing
        if path.endswith("/cancel"):
            thing = self.things[path.split("/")[3]]
            if thing["status"] == "succeeded":
                return 400, {"error": {"type": "invalid_request_error", "code": "payment_intent_unexpected_state"}}
            return 200, thing | {"status": "canceled", "cancellation_reason": form["cancellation_reason"]}
        method = {
            "id": form["payment_method"],
            "type": "card",
            "card": {"brand": "visa", "last4": "4242", "fingerprint": "fp_4242"},
        }
        if form["payment_method"] == "pm_declined":
            error = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}
            thing = self._keep("pi", form, status="requires_payment_method", last_payment_error=error)
            return 402, {"error": error | {"payment_intent": thing}}
        if form["payment_method"] == "pm_missing":
            return 400, {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
        status = "processing" if form["payment_method"] == "pm_slow" else "succeeded"
        if form["capture_method"] == "manual":
            status = "requires_capture"
        received = int(form["amount"]) if status == "succeeded" else 0
        return 200, self._keep("pi", form, status=status, amount_received=received, payment_method=method)

    def _keep(self, prefix: str, form: dict[str, str], **more: Any) -> dict[str, Any]:
        thing = {
            "id": f"{prefix}_{len(self.things) + 1}",
            "amount": int(form["amount"]),
            "currency": form["currency"],
            "metadata": {"payment_id": form["metadata[payment_id]"]},
            **more,
        }
        self.things[thing["id"]] = thing
        return thing
