"""How staff log in, as people do it: code, passkey, single sign-on; and what happens when the session ends."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from kernel import clock
from players.models_staff import StaffSession
from players.services.staff_break_glass import seal_account
from players.services.staff_devices import begin_totp, confirm_totp
from players.types_staff import Protocol
from pms.roles import ensure_roles
from pms.runtime.demo import totp
from tests.browser.conftest import Server, log_in
from tests.browser.test_back_office import WCAG
from tests.factories import make_player
from tests.identity_provider import CLIENT_ID, SECRET
from tests.saml import ENTITY, MFA
from tests.staff import make_provider, staff_id

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]

PASSWORD = "long enough 1"


@pytest.fixture
def named(browser: Browser, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A window that came by the host's name: passkeys know no numbers."""
    context = browser.new_context(base_url=server.url.replace("127.0.0.1", "localhost"), locale="en-GB")
    window = context.new_page()
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
    yield window
    context.close()
    assert errors == []


def first_step(page: Page, login: str = "operations-1", password: str = PASSWORD) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def add_authenticator(page: Page) -> tuple[Any, str]:
    """A passkey that Chromium holds itself: it verifies whoever asks."""
    line = page.context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    return line, line.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def log_out(page: Page) -> None:
    with page.expect_navigation():
        page.locator("#logout-form").evaluate("form => form.submit()")


def faults(page: Page) -> list[str]:
    found = [
        f"{page.url}: {violation['id']}: {violation['nodes'][0]['html'][:120]}"
        for violation in Axe().run(page, options=WCAG).response["violations"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append(f"{page.url}: wider than its window")
    return found


# --- logging in ---


def test_a_code_from_an_app_by_keyboard_alone(page: Page) -> None:
    before = clock.now() - timedelta(minutes=5)
    secret = begin_totp(user_id=staff_id("operations"), at=before)
    confirm_totp(user_id=staff_id("operations"), code=totp(secret, before.timestamp()), name="Phone", at=before)
    page.goto("/admin/players/player/")
    expect(page.get_by_label("Username")).to_be_focused()
    started = time.monotonic()
    page.keyboard.type("operations-1")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type(totp(secret, time.time()))
    page.keyboard.press("Enter")
    page.wait_for_url("/admin/players/player/")
    assert time.monotonic() - started < 10


def test_an_app_is_set_up_at_the_first_login(page: Page) -> None:
    staff_id("operations")
    first_step(page)
    expect(page.get_by_role("img", name="QR code for your authenticator app")).to_be_visible()
    secret = page.locator(".pms-key").inner_text().replace(" ", "")
    page.get_by_label("Code that the app shows").fill("000000")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_text("That is not the app's present code.")).to_be_visible()
    assert page.locator(".pms-key").inner_text().replace(" ", "") == secret
    page.get_by_label("Code that the app shows").fill(totp(secret, time.time()))
    page.get_by_role("button", name="Set it up").click()
    expect(page.locator(".pms-codes code")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("/admin/")


def test_a_passkey_is_set_up_and_then_logs_in_alone(named: Page) -> None:
    staff_id("operations")
    line, authenticator = add_authenticator(named)
    first_step(named)
    named.get_by_role("button", name="Set up a passkey instead").click()
    named.wait_for_url("**/admin/security/**")
    expect(named.get_by_text("Make recovery codes now")).to_be_visible()
    assert len(line.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]) == 1
    log_out(named)
    named.goto("/admin/wallet/deposit/")
    named.get_by_role("button", name="Log in with a passkey").click()
    named.wait_for_url("/admin/wallet/deposit/")
    assert StaffSession.objects.latest("id").method == "passkey"


def test_a_passkey_is_the_second_step_and_proves_once_more_who_one_is(named: Page) -> None:
    staff_id("administrator")
    add_authenticator(named)
    first_step(named, "administrator-1")
    named.get_by_role("button", name="Set up a passkey instead").click()
    named.wait_for_url("**/admin/security/**")
    log_out(named)
    first_step(named, "administrator-1")
    named.get_by_role("button", name="Use your passkey").click()
    named.wait_for_url("/admin/")
    expect(named.locator("#home-live")).to_have_attribute("data-state", "open")
    named.goto("/admin/reauthenticate/?next=/admin/players/staffnetwork/add/")
    named.get_by_role("button", name="Use your passkey").click()
    named.wait_for_url("/admin/players/staffnetwork/add/")


def test_a_passkey_that_cannot_prove_who_holds_it_does_not_log_in_alone(named: Page) -> None:
    staff_id("operations")
    line, authenticator = add_authenticator(named)
    first_step(named)
    named.get_by_role("button", name="Set up a passkey instead").click()
    named.wait_for_url("**/admin/security/**")
    log_out(named)
    line.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    named.goto("/admin/login/")
    named.get_by_role("button", name="Log in with a passkey").click()
    expect(named.get_by_text("The passkey was not used.")).to_be_visible()


@contextmanager
def second_server(server: Server, folder: Path) -> Iterator[tuple[str, str]]:
    """An identity provider beside ours; the addresses of ours and of the provider.

    Ours goes by its name and the provider by its number: for the browser that is two sites.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server.stop()
    server.env = server.env | {"OUTGOING_PRIVATE_HOSTS": "127.0.0.1"}
    server.start()
    home, provider = server.url.replace("127.0.0.1", "localhost"), f"http://127.0.0.1:{port}"
    person = {"password": "ein Wort 1", "email": "mara@corp.example", "groups": ["ops"], "amr": ["pwd", "mfa"]}
    what = {
        "redirect": f"{home}/admin/sso/oidc/corp/login/callback/",
        "people": {"mara": person},
        "saml": {f"{home}/admin/sso/saml/corp/metadata/": f"{home}/admin/sso/saml/corp/acs/"},
    }
    command = [sys.executable, "-m", "tests.identity_provider", str(port), str(folder), json.dumps(what)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"{provider}/.well-known/openid-configuration")
        ensure_roles()
        yield home, provider
    finally:
        process.terminate()
        process.wait(timeout=10)


def sign_on(browser: Browser, home: str) -> None:
    """By the button of the login page, at the provider as Mara, and back to where one wanted to go."""
    page = browser.new_context(base_url=home).new_page()
    page.goto("/admin/players/player/")
    page.get_by_role("link", name="Log in with Corp").click()
    page.get_by_label("Username").fill("mara")
    page.get_by_label("Password").fill("ein Wort 1")
    page.get_by_role("button", name="Sign In").click()
    page.wait_for_url("/admin/players/player/")
    session = StaffSession.objects.select_related("user").get()
    assert (session.method, session.user.email) == ("sso:corp", "mara@corp.example")
    assert [group.name for group in session.user.groups.all()] == ["operations"]
    page.context.close()


def test_single_sign_on_by_oidc(browser: Browser, server: Server, tmp_path: Path, settings: Settings) -> None:
    settings.OUTGOING_PRIVATE_HOSTS = ["127.0.0.1"]
    with second_server(server, tmp_path) as (home, provider):
        make_provider(
            slug="corp", name="Corp", protocol=Protocol.OIDC, client_id=CLIENT_ID, secret=SECRET,
            parameters={"server_url": provider}, mfa_contexts=("mfa",), roles={"ops": "operations"},
        )  # fmt: skip
        sign_on(browser, home)


def test_single_sign_on_by_saml(browser: Browser, server: Server, tmp_path: Path, settings: Settings) -> None:
    settings.OUTGOING_PRIVATE_HOSTS = ["127.0.0.1"]
    with second_server(server, tmp_path) as (home, provider):
        make_provider(
            slug="corp", name="Corp", protocol=Protocol.SAML, mfa_contexts=(MFA,), roles={"ops": "operations"},
            parameters={
                "idp": {"entity_id": ENTITY, "metadata_url": f"{provider}/saml/metadata"},
                "attribute_mapping": {"email": "email", "first_name": "given", "last_name": "family"},
            },
        )  # fmt: skip
        sign_on(browser, home)


def wait_for(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(address, timeout=5).raise_for_status()
            return
        except requests.RequestException:
            assert time.monotonic() < deadline
            time.sleep(0.2)


# --- the end of a session ---


def run_down(minutes: float) -> None:
    """As if nothing had happened for so long."""
    StaffSession.objects.update(last_seen_at=clock.now() - timedelta(minutes=minutes))


def visit(page: Page, address: str) -> None:
    """Open a page, and wait until it knows how long the session lasts."""
    page.goto(address)
    page.locator("html[data-session]").wait_for()


def look_again(page: Page) -> None:
    """As if the person came back to this window."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_warning_comes_before_the_end_and_one_may_stay(page: Page) -> None:
    log_in(page)
    visit(page, "/admin/players/player/")
    run_down(28.5)
    look_again(page)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"You will be logged out in 1:\d\d"))
    expect(page.get_by_role("button", name="Stay logged in")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    assert clock.now() - StaffSession.objects.get().last_seen_at < timedelta(seconds=20)


def test_a_draft_outlives_the_session(page: Page) -> None:
    player = make_player(login="annakeller", at=clock.now())
    secret = begin_totp(user_id=staff_id("operations"), at=clock.now())
    confirm_totp(user_id=staff_id("operations"), code=totp(secret, time.time() - 30), name="Phone", at=clock.now())
    log_in(page)
    address = f"/admin/players/player/{player.id}/impose/"
    visit(page, address)
    page.get_by_label("Restriction").select_option("play_block")
    page.get_by_label("Reason").fill("Three accounts from one phone; called, nobody answered")
    run_down(31)
    page.get_by_role("button", name="Show what it will do").click()
    page.wait_for_url("**/admin/login/**")
    expect(page.get_by_text("nothing happened for a while")).to_be_visible()
    page.get_by_label("Username").fill("operations-1")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_label("Code").fill(totp(secret, time.time()))
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(address)
    expect(page.get_by_text("What you had typed at")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("Three accounts from one phone; called, nobody answered")
    expect(page.get_by_label("Restriction")).to_have_value("play_block")
    page.get_by_role("button", name="Show what it will do").click()
    page.get_by_role("button", name="Impose: Play block").click()
    expect(page.get_by_text("is in force")).to_be_visible()
    page.goto(address)
    expect(page.get_by_label("Reason")).to_have_value("")
    assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('pms-draft'))") == []


def test_a_draft_belongs_to_whoever_typed_it_and_secrets_are_not_kept(page: Page) -> None:
    player = make_player(login="annakeller", at=clock.now())
    log_in(page)
    address = f"/admin/players/player/{player.id}/impose/"
    visit(page, address)
    page.get_by_label("Reason").fill("Not for others")
    page.wait_for_function("Object.keys(localStorage).some(name => name.startsWith('pms-draft'))")
    visit(page, "/admin/password_change/")
    page.get_by_label("Old password").fill("a secret of mine")
    page.wait_for_timeout(400)
    assert "a secret of mine" not in page.evaluate("JSON.stringify(localStorage)")
    page.context.clear_cookies()
    log_in(page, "support_lead")
    page.goto(address)
    expect(page.get_by_label("Reason")).to_have_value("")


def test_when_it_is_over_the_page_says_so(page: Page) -> None:
    log_in(page)
    visit(page, "/admin/players/player/")
    run_down(31)
    look_again(page)
    expect(page.get_by_role("dialog")).to_contain_text("You are logged out")
    page.get_by_role("link", name="Log in again").click()
    page.wait_for_url("**/admin/login/?next=%2Fadmin%2Fplayers%2Fplayer%2F")


def test_everybody_sees_that_break_glass_is_used(page: Page, browser: Browser, server: Server) -> None:
    ensure_roles()
    password = seal_account(login="break-glass", role="administrator", at=clock.now())
    other = browser.new_context(base_url=server.url).new_page()
    first_step(other, "break-glass", password)
    other.get_by_label("Reason").fill("Single sign-on is down, payouts hang")
    other.get_by_role("button", name="Raise the alarm and log in").click()
    other.wait_for_url("/admin/")
    log_in(page, "support_agent")
    expect(page.get_by_role("alert").filter(has_text="break-glass account is in use")).to_be_visible()
    other.context.close()


# --- how it looks ---


def test_pages_of_the_login_have_no_faults_that_axe_finds(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    found = []
    staff_id("operations")
    page.goto("/admin/login/")
    found += faults(page)
    first_step(page, password="wrong")
    found += faults(page)
    first_step(page)
    found += faults(page)
    secret = page.locator(".pms-key").inner_text().replace(" ", "")
    page.get_by_label("Code that the app shows").fill(totp(secret, time.time()))
    page.get_by_role("button", name="Set it up").click()
    found += faults(page)
    page.context.clear_cookies()
    first_step(page)
    found += faults(page)
    page.context.clear_cookies()
    log_in(page, "administrator")
    for address in (
        "/admin/security/", "/admin/security/app/", "/admin/reauthenticate/", "/admin/players/staffsession/",
        f"/admin/players/staffsession/{StaffSession.objects.latest('id').pk}/change/", "/admin/players/staffdevice/",
        "/admin/players/staffnetwork/", "/admin/players/staffnetwork/add/", "/admin/players/identityprovider/",
        "/admin/players/identityprovider/new/",
    ):  # fmt: skip
        shown = page.goto(address)
        assert shown
        assert shown.status == 200, address
        found += faults(page)
    visit(page, "/admin/players/player/")
    run_down(14)
    look_again(page)
    expect(page.get_by_role("dialog")).to_be_visible()
    found += faults(page)
    assert found == []
