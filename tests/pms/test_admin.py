"""Home, navigation, roles and the live figures of the back office."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from analytics import live
from compliance.services.cases import open_case
from compliance.types_cases import CaseKind
from events.ports import get_consumer, list_consumers
from events.services.consuming import Runner
from kernel import clock
from kernel.actors import system
from kernel.context import client_ip
from players.models_staff import StaffDevice, StaffNetwork
from pms.asgi import application
from pms.roles import ROLES, ensure_roles
from tests.factories import bet, fund, make_game, make_player
from tests.staff import staff_client, text_of

T = TypeVar("T")

pytestmark = pytest.mark.usefixtures("db")


def play_today() -> None:
    make_game()
    player = make_player(login="annakeller", at=clock.now())
    fund(player.id, "80.00", at=clock.now())
    bet(player.id, "12.50", at=clock.now())
    for consumer in list_consumers():
        Runner(get_consumer(consumer.name)).drain(clock.now())


# --- home ---


def test_home_shows_todays_figures_to_whoever_may_see_them() -> None:
    play_today()
    shown = text_of(staff_client("operations").get("/admin/"))
    for words in ("GGR today", "12.50", "80.00", "Consumers behind", "loyalty.accrual", "annakeller", "Dead letters"):
        assert words in shown


def test_home_leaves_out_what_the_role_may_not_see() -> None:
    play_today()
    support = text_of(staff_client("support_agent").get("/admin/"))
    assert "GGR today" not in support
    assert "loyalty.accrual" not in support
    assert "annakeller" in support, "support sees the latest deposits"
    integrator = text_of(staff_client("integrator").get("/admin/"))
    assert "loyalty.accrual" in integrator
    assert "annakeller" not in integrator


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_role_gets_home_and_only_lists_that_it_may_open(role: str) -> None:
    client = staff_client(role)
    response = client.get("/admin/")
    links = [item["link"] for group in response.context["sidebar_navigation"] for item in group["items"]]
    assert "/admin/" in links
    assert len(links) > 1
    for link in links:
        assert client.get(link).status_code == 200, link


def test_the_administrator_sees_every_list_and_nothing_of_the_admin_is_left_outside() -> None:
    from django.contrib import admin

    response = staff_client("administrator").get("/admin/")
    links = {item["link"] for group in response.context["sidebar_navigation"] for item in group["items"]}
    known = {f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry}
    pages = {"/admin/auth/group/tester/", "/admin/auth/group/policies/", "/admin/players/player/portfolios/"}
    pages |= {"/admin/bonuses/offer/costs/"}
    assert known == links - {"/admin/"} - pages
    assert pages < links


def test_pages_have_no_inline_script_and_say_the_projects_name() -> None:
    response = staff_client("administrator").get("/admin/")
    assert "'unsafe-inline'" not in response["Content-Security-Policy"].split("script-src")[1].split(";")[0]
    shown = text_of(response)
    assert "Player Management System" in shown
    assert "Django" not in shown


def test_the_command_search_finds_players_and_asks_for_the_right() -> None:
    player = make_player(login="annakeller", first_name="Anna", last_name="Keller")
    query = {"s": "annakel", "extended": "1"}
    shown = text_of(staff_client("support_agent").get("/admin/search/", query))
    assert str(player.id) in shown
    assert "Keller" not in shown
    assert str(player.id) not in text_of(staff_client("integrator").get("/admin/search/", query))


# --- roles ---


def test_roles_are_seeded_again_and_again_to_the_same_end() -> None:
    ensure_roles()
    group = Group.objects.get(name="auditor")
    before = set(group.permissions.values_list("codename", flat=True))
    group.permissions.clear()
    ensure_roles()
    assert set(group.permissions.values_list("codename", flat=True)) == before
    assert Group.objects.count() == len(ROLES) == 14


def test_the_auditor_only_reads() -> None:
    acting = [code for code in ROLES["auditor"] if not code.split(".")[1].startswith("view_")]
    assert acting == ["events.export_audit"]  # a file of what they may read, itself on the trail


# --- live ---


class Line:
    """The browser's end of the home page's WebSocket."""

    def __init__(self, client: Client | None, origin: str = "http://testserver", ip: str = "127.0.0.1") -> None:
        headers = [(b"origin", origin.encode()), (b"host", b"testserver"), (b"x-forwarded-for", ip.encode())]
        if client:
            headers.append((b"cookie", f"sessionid={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode()))
        scope = {
            "type": "websocket", "path": "/ws/home/", "query_string": b"", "headers": headers, "subprotocols": [],
            "client": ["127.0.0.1", 4711],
        }  # fmt: skip
        self.line = ApplicationCommunicator(application, scope)

    async def connect(self) -> bool:
        await self.line.send_input({"type": "websocket.connect"})
        return (await self.receive())["type"] == "websocket.accept"

    async def receive(self) -> dict[str, Any]:
        return dict(await self.line.receive_output(timeout=10))

    async def receive_json(self) -> dict[str, Any]:
        return dict(json.loads((await self.receive())["text"]))

    async def disconnect(self) -> None:
        await self.line.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.line.wait(timeout=10)


def in_a_thread(talk: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it in an event loop of its own: browser tests keep one in the main thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(talk())).result()


def first_messages(client: Client | None, count: int = 1, **place: str) -> list[dict[str, Any]]:
    """What the socket says first; nothing when it refuses. ``place``: where the browser is, and on which page."""

    async def talk() -> list[dict[str, Any]]:
        line = Line(client, **place)
        if not await line.connect():
            return []
        messages = [await line.receive_json() for _ in range(count)]
        await line.disconnect()
        return messages

    return in_a_thread(talk)


def test_figures_arrive_and_follow_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "INTERVAL_S", 0.05)
    play_today()
    first, second = first_messages(staff_client("operations"), count=2)
    tiles = {tile["key"]: tile["text"] for tile in first["tiles"]}
    assert tiles["ggr"] == "12.50"
    assert tiles["deposits"] == "80.00"
    assert "loyalty.accrual" in first["parts"]["consumers"]
    assert second["at"] >= first["at"]


def test_the_socket_sends_only_what_the_role_may_see() -> None:
    (message,) = first_messages(staff_client("support_agent"))
    assert message["tiles"] == []
    assert list(message["parts"]) == ["deposits"]


def test_strangers_foreign_origins_and_people_without_staff_rights_are_refused() -> None:
    assert first_messages(None) == []
    assert first_messages(staff_client("operations"), origin="https://evil.example") == []
    switched_off = staff_client("operations")
    get_user_model().objects.filter(username="operations-1").update(is_active=False)
    assert first_messages(switched_off) == []


def test_the_socket_asks_for_network_and_second_factor_as_pages_do(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    client = staff_client("operations")
    role = Group.objects.get(name="operations")
    StaffNetwork.objects.create(role=role, network="203.0.113.0/24")
    assert first_messages(client, ip="203.0.113.7")
    assert first_messages(client, ip="198.51.100.7") == []
    assert client.get("/admin/", headers={"x-forwarded-for": "203.0.113.7"}).status_code == 302, "the session is over"
    unverified = staff_client("operations")
    StaffDevice.objects.all().delete()
    assert first_messages(unverified, ip="203.0.113.7") == []


def test_policies_over_the_address_know_it_on_the_socket(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    asked: list[str] = []

    client = staff_client("operations")
    real = live.allowed

    def allowed(actor: Any, permission: str, *subject: Any) -> Any:
        asked.append(client_ip.get())
        return real(actor, permission, *subject)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "allowed", allowed)
        assert first_messages(client, ip="203.0.113.7")
    assert set(asked) == {"203.0.113.7"}


def test_whoever_logs_out_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "INTERVAL_S", 0.05)
    monkeypatch.setattr(live, "RECHECK_S", 0.0)
    client = staff_client("operations")

    async def talk() -> dict[str, Any]:
        line = Line(client)
        assert await line.connect()
        await line.receive_json()
        await sync_to_async(client.session.flush)()
        while True:
            said = await line.receive()
            if said["type"] == "websocket.close":
                return said

    assert in_a_thread(talk)["code"] == 4403


def test_queues_of_cases_say_what_is_late() -> None:
    at = clock.now()
    for number, hours in enumerate((0, 5)):  # matches are due within an hour
        open_case(
            kind=CaseKind.EXCLUSION_MATCH,
            player_id=None,
            facts={},
            key=str(number),
            actor=system("test"),
            at=at - timedelta(hours=hours),
        )
    tiles = {tile.key: tile for tile in live.compute_snapshot(at).tiles}
    assert (tiles["review-cases"].text, tiles["review-cases"].note, tiles["review-cases"].tone) == (
        "2",
        "1 late",
        "bad",
    )
    assert (tiles["verification"].text, tiles["verification"].note) == ("0", "nothing waits")
    cache.clear()
    assert "Verification to decide" in text_of(staff_client("compliance_officer").get("/admin/"))
    assert "Review cases" not in text_of(staff_client("analyst").get("/admin/"))


def test_the_snapshot_is_computed_once_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    real = live.compute_snapshot
    monkeypatch.setattr(live, "compute_snapshot", lambda at: made.append(at) or real(at))
    at = clock.now()
    assert live.current_snapshot(at) == live.current_snapshot(at)
    assert len(made) == 1
    cache.delete("home:fresh")
    cache.add("home:computing", 1)
    live.current_snapshot(at)
    assert len(made) == 1, "while somebody computes, the last one serves"
