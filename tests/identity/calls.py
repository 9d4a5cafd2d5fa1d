"""A player's program: registers, logs in, keeps its tokens, and calls the player API with them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.core import mail
from django.http import HttpResponse
from django.test import Client as Browser

from players.models import SandboxMessage

PASSWORD = "winter umbrella 7 candles"
_numbers = count(1)


@dataclass
class Program:
    """Calls below /_allauth/app/v1/ (``auth``) and /api/v1/ (``api``) with whatever tokens it has by now."""

    session: str = ""
    access: str = ""
    refresh: str = ""
    device: str = ""
    agent: str = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"
    browser: Browser = field(default_factory=lambda: Browser(raise_request_exception=False))

    def auth(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Call, and keep the tokens that come back."""
        answer = self._call(method, f"/_allauth/app/v1/{path}", body, headers)
        meta = answer.json().get("meta", {}) if answer["Content-Type"].startswith("application/json") else {}
        self.session = meta.get("session_token", self.session)
        self.access = meta.get("access_token", self.access)
        self.refresh = meta.get("refresh_token", self.refresh)
        self.device = meta.get("device_token", self.device)
        return answer

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        if method == "POST":
            headers = {"Idempotency-Key": f"player-key-{next(_numbers)}"} | headers
        return self._call(method, f"/api/v1/{path}", body, headers)

    def login(self, name: str = "email", value: str = "", password: str = PASSWORD) -> HttpResponse:
        return self.auth("POST", "auth/login", {name: value, "password": password})

    def renew(self) -> HttpResponse:
        answer = self.auth("POST", "tokens/refresh", {"refresh_token": self.refresh})
        if answer.status_code == 200:
            self.access, self.refresh = answer.json()["data"]["access_token"], answer.json()["data"]["refresh_token"]
        return answer

    def _call(self, method: str, path: str, body: Any, headers: dict[str, str]) -> HttpResponse:
        known = {"User-Agent": self.agent, "X-Device-Token": self.device}
        if self.access:
            known["Authorization"] = f"Bearer {self.access}"
        elif self.session:
            known["X-Session-Token"] = self.session
        known = {name: value for name, value in (known | headers).items() if value}
        data = body if isinstance(body, (str, bytes)) else json.dumps(body) if body is not None else ""
        return self.browser.generic(method, path, data, content_type="application/json", headers=known)


def person(**changes: Any) -> dict[str, Any]:
    """A registration in Austria that is complete, unlike all others."""
    number = next(_numbers)
    return {
        "email": f"anna{number}@example.org",
        "username": f"berghuhn{number}",
        "password": PASSWORD,
        "country": "AT",
        "currency": "EUR",
        "first_name": "Anna",
        "last_name": "Gruber",
        "birth_date": "1990-05-17",
        **changes,
    }


def mailed_code() -> str:
    """The code in the newest mail."""
    found = re.search(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", mail.outbox[-1].body, re.M)
    assert found, mail.outbox[-1].body
    return found[1]


def sent_code(phone: str) -> str:
    """The code in the newest text message to a number."""
    message = SandboxMessage.objects.filter(phone=phone).order_by("-id").first()
    assert message
    return message.text[:6]


def registered(**changes: Any) -> tuple[Program, dict[str, Any]]:
    """Somebody who has registered, verified their email (and phone) and is logged in."""
    data = person(**changes)
    program = Program()
    answer = program.auth("POST", "auth/signup", data)
    assert answer.status_code == 401, answer.content
    if data.get("phone"):
        answer = program.auth("POST", "auth/phone/verify", {"code": sent_code(data["phone"])})
        assert answer.status_code == 401, answer.content
    answer = program.auth("POST", "auth/email/verify", {"key": mailed_code()})
    assert answer.status_code == 200, answer.content
    assert program.access
    return program, data


def logged_in(data: dict[str, Any], **known: str) -> Program:
    """Another program of the same person."""
    program = Program(**known)
    answer = program.login("email", data["email"])
    assert answer.status_code == 200, answer.content
    return program


def flows_of(answer: HttpResponse) -> set[str]:
    """What allauth says may come next; ``pending`` ones first."""
    return {flow["id"] for flow in answer.json()["data"]["flows"] if flow.get("is_pending")}
