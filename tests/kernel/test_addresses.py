"""Whose address a request has: what a header claims counts only where a trusted proxy has written it."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from kernel.addresses import find_client_ip
from kernel.context import client_ip, user_agent
from kernel.middleware import RequestContextMiddleware

PROXIES = ["10.0.0.0/8", "2001:db8:ffff::/48"]


@pytest.mark.parametrize(
    ("remote", "header", "trusted", "found"),
    [
        ("203.0.113.9", "", [], "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", [], "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", PROXIES, "203.0.113.9"),
        ("10.0.0.2", "198.51.100.1", PROXIES, "198.51.100.1"),
        ("10.0.0.2", "192.0.2.66, 198.51.100.1", PROXIES, "198.51.100.1"),
        ("10.0.0.2", "192.0.2.66, 198.51.100.1, 10.1.1.1", PROXIES, "198.51.100.1"),
        ("10.0.0.2", "10.9.9.9", PROXIES, "10.9.9.9"),
        ("10.0.0.2", "'; DROP TABLE", PROXIES, "10.0.0.2"),
        ("10.0.0.2", "192.0.2.66, nonsense, 10.1.1.1", PROXIES, "10.1.1.1"),
        ("::ffff:10.0.0.2", "198.51.100.1", PROXIES, "198.51.100.1"),
        ("2001:db8:ffff::1", "2001:DB8::0007", PROXIES, "2001:db8::7"),
        ("fe80::1%eth0", "", [], "fe80::1"),
        ("", "198.51.100.1", PROXIES, ""),
    ],
)
def test_the_nearest_address_that_is_no_trusted_proxy(remote: str, header: str, trusted: list[str], found: str) -> None:
    assert find_client_ip(remote, header, trusted) == found


def test_a_request_carries_address_and_browser_and_leaves_nothing_behind(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1/32"]
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.extend([client_ip.get(), user_agent.get()])
        return HttpResponse()

    headers = {"X-Forwarded-For": "198.51.100.1", "User-Agent": "B" * 1000}
    RequestContextMiddleware(view)(RequestFactory().get("/", headers=headers))
    assert seen == ["198.51.100.1", "B" * 400]
    assert (client_ip.get(), user_agent.get()) == ("", "")
