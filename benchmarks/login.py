"""How long a login takes beside the bare password hash, which nothing but another hash makes quicker."""

from __future__ import annotations

import secrets
import time
from base64 import b32decode
from collections.abc import Callable, Iterator

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client, override_settings
from django.urls import reverse
from django_otp.oath import TOTP

from benchmarks.table import Row
from kernel import clock
from kernel.actors import system
from players.models import User
from players.services.staff import ensure_staff
from players.services.staff_devices import begin_totp, confirm_totp, reset_second_factors
from pms.roles import ensure_roles

PASSWORD = secrets.token_urlsafe(16)


@override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend", ALLOWED_HOSTS=["*"])
def rows(seconds: float) -> Iterator[Row]:
    """In one process, through all of the middleware; everybody logs in once, from an address of their own."""
    people = max(10, round(4 * seconds))
    hashed = make_password(PASSWORD)
    bare = _took([lambda: check_password(PASSWORD, hashed)] * people)
    yield from _lines("password hash alone", bare, bare)
    yield from _lines("login of a player", _took(list(_players(people, hashed))), bare)
    yield from _lines("login of staff, password and code", _took(list(_staff(people))), bare)


def _lines(what: str, took: list[float], bare: list[float]) -> Iterator[Row]:
    for name, part in (("p50", 50), ("p95", 95)):
        at = len(took) * part // 100
        reference = None if took is bare else bare[at]
        yield Row(f"{what}, {name}", took[at], reference, "", " ms")


def _took(deeds: list[Callable[[], object]]) -> list[float]:
    """Milliseconds of each, the shortest first."""
    took = []
    for do in deeds:
        started = time.perf_counter()
        do()
        took.append((time.perf_counter() - started) * 1000)
    return sorted(took)


def _players(people: int, hashed: str) -> Iterator[Callable[[], object]]:
    for number in range(1, people + 1):
        user = User.objects.get(username=f"bench{number}")
        User.objects.filter(pk=user.pk).update(password=hashed)
        EmailAddress.objects.update_or_create(
            user=user, defaults={"email": user.email, "verified": True, "primary": True}
        )
        yield lambda number=number, email=user.email: _log_in(number, email)  # type: ignore[misc]


def _log_in(number: int, email: str) -> None:
    answer = Client(REMOTE_ADDR=f"10.1.{number // 250}.{number % 250}").post(
        "/_allauth/app/v1/auth/login", {"email": email, "password": PASSWORD}, content_type="application/json"
    )
    if answer.status_code != 200:
        raise RuntimeError(f"No login: {answer.status_code} {answer.content[:300]!r}")


def _staff(people: int) -> Iterator[Callable[[], object]]:
    ensure_roles()
    for number in range(1, people + 1):
        at, login = clock.now(), f"bench.login.{number}"
        user_id = ensure_staff(
            login=login, email=f"{login}@example.com", password=PASSWORD, roles=["support_agent"], at=at
        )
        reset_second_factors(user_id=user_id, reason="A benchmark begins anew", actor=system("bench"), at=at)
        secret = begin_totp(user_id=user_id, at=at)
        code = _code(secret, -1)  # the code before: the present one is for the login
        confirm_totp(user_id=user_id, code=code, name="Bench", at=at)
        yield lambda number=number, login=login, secret=secret: _log_staff_in(number, login, secret)  # type: ignore[misc]


def _log_staff_in(number: int, login: str, secret: str) -> None:
    browser = Client(REMOTE_ADDR=f"10.2.{number // 250}.{number % 250}")
    browser.post(reverse("admin:login"), {"username": login, "password": PASSWORD})
    answer = browser.post(reverse("admin:login_second"), {"code": _code(secret, 0)})
    if answer.status_code != 302 or "login" in answer["Location"]:
        raise RuntimeError(f"No login of staff: {answer.status_code}")


def _code(secret: str, steps: int) -> str:
    generator = TOTP(b32decode(secret), drift=steps)
    generator.time = clock.now().timestamp()
    return f"{generator.token():06d}"
