"""Staff log in: password, second factor, recovery codes, throttling, and what none of it reveals."""

from __future__ import annotations

import re
from base64 import b32decode
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django_otp.oath import TOTP

from events.models import Event
from events.selectors_audit import list_audit
from events.types import AuditEntry, AuditOutcome, AuditQuery
from kernel import clock
from kernel.actors import Actor, ActorKind
from players.models_staff import LoginCounter, StaffDevice, StaffNetwork, StaffSession
from players.selectors_staff import list_devices
from players.services.staff import ensure_staff
from players.services.staff_devices import (
    CodeRefused,
    begin_totp,
    check_code,
    confirm_totp,
    make_recovery_codes,
    reset_second_factors,
)
from players.services.staff_login import note_failure
from players.services.staff_passkeys import begin_registration, finish_registration
from players.services.staff_throttling import LIMITS, WINDOW, take_attempt
from tests.factories import AT, make_player
from tests.identity.software_key import SoftwareKey
from tests.staff import client_of, staff_client, staff_id, text_of

pytestmark = pytest.mark.usefixtures("db")

PASSWORD = "long enough 1"
ADMIN = Actor(ActorKind.STAFF, "0")


def code_of(secret: str, at: datetime) -> str:
    generator = TOTP(b32decode(secret))
    generator.time = at.timestamp()
    return f"{generator.token():06d}"


def with_app(role: str, at: datetime) -> tuple[int, str]:
    """A member of staff with an authenticator app, and its secret."""
    user_id = staff_id(role)
    secret = begin_totp(user_id=user_id, at=at)
    confirm_totp(user_id=user_id, code=code_of(secret, at), name="Phone", at=at)
    return user_id, secret


def send_password(client: Client, login: str, password: str = PASSWORD, **headers: str) -> Any:
    return client.post("/admin/login/", {"username": login, "password": password, "next": "/admin/"}, **headers)


def logged_in(client: Client) -> bool:
    return client.get("/admin/", follow=False).status_code == 200


# --- the two steps ---


def test_password_alone_lets_nobody_in_whose_role_needs_a_second_factor() -> None:
    _, secret = with_app("operations", clock.now() - timedelta(minutes=5))
    client = Client()
    assert send_password(client, "operations-1")["Location"] == "/admin/login/second/"
    assert not logged_in(client)
    answer = client.post("/admin/login/second/", {"code": code_of(secret, clock.now())})
    assert answer["Location"] == "/admin/"
    assert logged_in(client)
    session = StaffSession.objects.get()
    assert (session.method, session.ip, session.ended_at) == ("password and code", "127.0.0.1", None)


def test_whoever_has_none_sets_one_up_before_they_get_in() -> None:
    staff_id("operations")
    client = Client()
    assert send_password(client, "operations-1")["Location"] == "/admin/login/enrol/"
    page = text_of(client.get("/admin/login/enrol/"))
    assert "<svg" in page
    secret = re.search(r'pms-key">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    assert not logged_in(client)
    assert "not the app" in text_of(client.post("/admin/login/enrol/", {"code": "000000"}))
    codes = text_of(client.post("/admin/login/enrol/", {"code": code_of(secret, clock.now())}))
    assert len(re.findall(r"<code>[a-z2-9]{5}-[a-z2-9]{5}</code>", codes)) == 10
    assert logged_in(client)


def test_a_role_that_needs_none_gets_in_by_password_and_is_offered_one(settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR_ROLES = ["mlro"]
    staff_id("operations")
    client = Client()
    assert send_password(client, "operations-1")["Location"].startswith("/admin/security/?welcome=1")
    assert logged_in(client)
    assert send_password(Client(), "operations-1")["Location"] == "/admin/", "only at the first login"


def test_enrolment_cannot_replace_a_second_factor_that_is_there() -> None:
    with_app("operations", clock.now() - timedelta(minutes=5))
    client = Client()
    send_password(client, "operations-1")
    assert client.get("/admin/login/enrol/")["Location"] == "/admin/login/"
    assert client.post("/admin/login/enrol/passkey/").status_code == 403


def test_a_first_step_is_forgotten_after_minutes() -> None:
    _, secret = with_app("operations", clock.now() - timedelta(minutes=5))
    client = Client()
    send_password(client, "operations-1")
    later = clock.now() + timedelta(minutes=11)
    with time_machine.travel(later):
        answer = client.post("/admin/login/second/", {"code": code_of(secret, later)})
    assert answer["Location"] == "/admin/login/"


def test_the_session_gets_a_new_key_at_login() -> None:
    _, secret = with_app("operations", clock.now() - timedelta(minutes=5))
    client = Client()
    send_password(client, "operations-1")
    before = client.cookies["sessionid"].value
    client.post("/admin/login/second/", {"code": code_of(secret, clock.now())})
    assert client.cookies["sessionid"].value != before
    assert client.cookies["sessionid"]["httponly"]


def test_nobody_is_sent_to_a_foreign_page(settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR_ROLES = []
    staff_id("operations")
    get_user_model().objects.update(last_login=AT)
    form = {"username": "operations-1", "password": PASSWORD, "next": "https://evil.example/"}
    assert Client().post("/admin/login/", form)["Location"] == "/admin/"


# --- codes ---


def test_a_code_is_taken_once() -> None:
    user_id, secret = with_app("operations", AT)
    at = AT + timedelta(minutes=5)
    check_code(user_id=user_id, code=code_of(secret, at), at=at)
    with pytest.raises(CodeRefused):
        check_code(user_id=user_id, code=code_of(secret, at), at=at)
    with pytest.raises(CodeRefused):  # nor one from before it
        check_code(user_id=user_id, code=code_of(secret, at - timedelta(seconds=30)), at=at)
    later = at + timedelta(seconds=30)
    check_code(user_id=user_id, code=code_of(secret, later), at=later)


def test_a_clock_may_be_one_step_wrong_and_no_more() -> None:
    user_id, secret = with_app("operations", AT)
    at = AT + timedelta(minutes=5)
    for wrong in (timedelta(seconds=-60), timedelta(seconds=60)):
        with pytest.raises(CodeRefused):
            check_code(user_id=user_id, code=code_of(secret, at + wrong), at=at)
    check_code(user_id=user_id, code=code_of(secret, at + timedelta(seconds=30)), at=at)


def test_a_recovery_code_works_once_and_new_ones_void_the_old() -> None:
    user_id, _ = with_app("operations", AT)
    codes = make_recovery_codes(user_id=user_id, at=AT)
    check_code(user_id=user_id, code=codes[0].upper().replace("-", " "), at=AT)
    with pytest.raises(CodeRefused):
        check_code(user_id=user_id, code=codes[0], at=AT)
    assert [device.codes_left for device in list_devices(user_id)] == [0, 9]
    make_recovery_codes(user_id=user_id, at=AT)
    with pytest.raises(CodeRefused):
        check_code(user_id=user_id, code=codes[1], at=AT)


def test_secrets_do_not_lie_open_in_the_database() -> None:
    user_id, secret = with_app("operations", AT)
    codes = make_recovery_codes(user_id=user_id, at=AT)
    stored = b"".join(bytes(row.secret) for row in StaffDevice.objects.all())
    assert secret.encode() not in stored
    assert b32decode(secret) not in stored
    assert not [code for code in codes if code.replace("-", "").encode() in stored]


def test_codes_cannot_be_guessed_by_trying() -> None:
    user_id, secret = with_app("operations", AT)
    at = AT + timedelta(minutes=5)
    for _ in range(LIMITS["second factor"]):
        with pytest.raises(CodeRefused):
            check_code(user_id=user_id, code="000000", at=at)
    with pytest.raises(CodeRefused):
        check_code(user_id=user_id, code=code_of(secret, at), at=at)
    later = at + WINDOW
    check_code(user_id=user_id, code=code_of(secret, later), at=later)


def test_an_administrator_resets_somebody_who_lost_the_phone() -> None:
    user_id, _ = with_app("operations", AT)
    theirs = client_of(user_id)
    admin = staff_client("administrator")
    device = StaffDevice.objects.get(user_id=user_id, kind="totp")
    address = f"/admin/players/staffdevice/{device.pk}/reset/"
    assert "call them back" in text_of(admin.get(address))
    assert admin.post(address, {"reason": ""}).status_code == 200
    assert StaffDevice.objects.filter(user_id=user_id).exists()
    admin.post(address, {"reason": "Phone lost, called back"})
    assert not StaffDevice.objects.filter(user_id=user_id).exists()
    assert not logged_in(theirs)
    assert send_password(Client(), "operations-1")["Location"] == "/admin/login/enrol/"


def test_only_administrators_reset() -> None:
    user_id, _ = with_app("operations", AT)
    device = StaffDevice.objects.get(user_id=user_id)
    for role in ("auditor", "support_lead"):
        answer = staff_client(role).post(f"/admin/players/staffdevice/{device.pk}/reset/", {"reason": "please"})
        assert answer.status_code == 403
    assert StaffDevice.objects.filter(pk=device.pk).exists()


def test_the_last_second_factor_stays_where_a_role_needs_one() -> None:
    user_id, _ = with_app("operations", AT)
    client = client_of(user_id)
    device = StaffDevice.objects.get(user_id=user_id, kind="totp")
    answer = client.post(f"/admin/security/devices/{device.pk}/remove/", follow=True)
    assert "add another one first" in text_of(answer)
    assert StaffDevice.objects.filter(pk=device.pk).exists()


def test_nobody_takes_a_colleagues_second_factor_away_by_its_number() -> None:
    user_id, _ = with_app("operations", AT)
    device = StaffDevice.objects.get(user_id=user_id, kind="totp")
    mine, _ = with_app("finance", AT)
    client_of(mine).post(f"/admin/security/devices/{device.pk}/remove/")
    assert StaffDevice.objects.filter(pk=device.pk).exists()


# --- refusals ---


def test_refusals_are_the_same_for_everybody() -> None:
    staff_id("operations")
    make_player(login="annakeller")
    get_user_model().objects.filter(username="annakeller").update(
        password=get_user_model().objects.get(username="operations-1").password
    )
    off = ensure_staff(login="gone", email="", password=PASSWORD, roles=["operations"], at=AT)
    get_user_model().objects.filter(pk=off).update(is_active=False)
    answers = {
        name: send_password(Client(), name, password)
        for name, password in {
            "operations-1": "wrong", "nobody": PASSWORD, "annakeller": PASSWORD, "gone": PASSWORD,
        }.items()
    }  # fmt: skip
    pages = {re.sub(r'value="[^"]*"|data-token="[^"]*"|nonce="[^"]*"', "", text_of(page)) for page in answers.values()}
    assert len(pages) == 1
    assert "wrong, or there were too many attempts" in pages.pop()


def test_a_locked_account_reads_like_a_wrong_password_and_opens_again() -> None:
    with_app("operations", AT)
    for _ in range(LIMITS["login and address"]):
        send_password(Client(), "operations-1", "wrong")
    locked = send_password(Client(), "operations-1")
    assert "wrong, or there were too many attempts" in text_of(locked)
    assert send_password(Client(), "operations-1", REMOTE_ADDR="192.0.2.7").status_code == 302, "from elsewhere"
    with time_machine.travel(clock.now() + WINDOW + timedelta(seconds=1)):
        assert send_password(Client(), "operations-1").status_code == 302


def test_many_addresses_cannot_guess_at_one_account() -> None:
    staff_id("operations")
    for number in range(LIMITS["login"]):
        assert take_attempt(what="login", of="operations-1", at=clock.now()), number
    assert send_password(Client(), "operations-1", REMOTE_ADDR="192.0.2.8").status_code == 200


def test_one_address_cannot_try_many_accounts() -> None:
    staff_id("operations")
    for _ in range(LIMITS["address"]):
        take_attempt(what="address", of="192.0.2.9", at=clock.now())
    assert send_password(Client(), "operations-1", REMOTE_ADDR="192.0.2.9").status_code == 200


def test_the_counters_say_nothing_of_who_was_tried() -> None:
    send_password(Client(), "somebody@example.com", "wrong")
    assert LoginCounter.objects.count() == 4  # account, address, both, and failures kept of the address
    assert all(len(bytes(row.key)) == 32 for row in LoginCounter.objects.all())


# --- networks ---


def test_a_role_may_come_only_from_its_networks() -> None:
    user_id, _ = with_app("operations", AT)
    role = Group.objects.get(name="operations")
    client = client_of(user_id)
    StaffNetwork.objects.create(role=role, network="192.0.2.0/24")
    assert not logged_in(client), "a session that stands ends"
    assert send_password(Client(), "operations-1").status_code == 200
    assert send_password(Client(), "operations-1", REMOTE_ADDR="192.0.2.50").status_code == 302


def test_nobody_locks_themselves_out_unasked() -> None:
    admin = staff_client("administrator")
    role = Group.objects.get(name="administrator")
    form = {"role": role.pk, "network": "192.0.2.0/24", "note": ""}
    assert "You are at 127.0.0.1" in text_of(admin.post("/admin/players/staffnetwork/add/", form))
    assert not StaffNetwork.objects.exists()
    assert admin.post("/admin/players/staffnetwork/add/", {**form, "network": "127.0.0.0/8"}).status_code == 302
    assert admin.post("/admin/players/staffnetwork/add/", form).status_code == 302, "somebody else's network beside it"
    mine = StaffNetwork.objects.get(network="127.0.0.0/8")
    assert admin.post(f"/admin/players/staffnetwork/{mine.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "host bits" in text_of(admin.post("/admin/players/staffnetwork/add/", {**form, "network": "10.0.0.1/8"}))


# --- break-glass ---


def test_break_glass_raises_an_alarm(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.BREAK_GLASS_NOTICE_TO = ["security@example.com"]
    colleague = staff_client("support_agent")
    call_command("break_glass")
    login, password = capsys.readouterr().out.split()
    client = Client()
    assert send_password(client, login, password)["Location"] == "/admin/login/reason/"
    assert not logged_in(client)
    assert client.post("/admin/login/reason/", {"reason": "short"}).status_code == 200
    assert client.post("/admin/login/reason/", {"reason": "SSO is down, payouts hang"}).status_code == 302
    assert logged_in(client)
    assert colleague.get("/admin/session/").json()["alarms"][0]["login"] == "break-glass"
    assert "SSO is down" in mail.outbox[0].body
    assert Event.objects.filter(type="players.break-glass-used.v1").count() == 1
    session = StaffSession.objects.get(break_glass=True)
    assert session.absolute_until - session.started_at == timedelta(minutes=30)
    call_command("break_glass")
    assert not logged_in(client), "sealed anew"


def test_break_glass_is_not_somebodys_own_account() -> None:
    staff_id("operations")
    with pytest.raises(Exception, match="somebody's own account"):
        call_command("break_glass", login="operations-1")


def test_resetting_asks_for_a_person_that_exists() -> None:
    with pytest.raises(Exception, match="no such member"):
        reset_second_factors(user_id=999_999, reason="x", actor=ADMIN, at=AT)


# --- failures on the trail ---


def failures(action: str = "players.log_in") -> list[AuditEntry]:
    return [row for row in list_audit(AuditQuery(action=action), limit=100) if row.outcome is AuditOutcome.FAILED]


def with_key(user_id: int) -> SoftwareKey:
    key = SoftwareKey("https://localhost")
    options, state = begin_registration(user_id=user_id, login="x", host="localhost")
    made = key.register(options)
    finish_registration(user_id=user_id, state=state, answer=made, name="Key", host="localhost", at=clock.now())
    return key


def send_passkey(client: Client, key: SoftwareKey, address: str = "/admin/login/passkey/", **told: Any) -> int:
    options = client.post(address, HTTP_HOST="localhost").json()
    body = {"credential": key.sign(options, **told)}
    return client.post(f"{address}answer/", body, content_type="application/json", HTTP_HOST="localhost").status_code


def test_passkeys_that_fail_are_on_the_trail_under_their_owners_name() -> None:
    officer = staff_id("operations")
    key = with_key(officer)
    assert send_passkey(Client(), key, origin="https://evil.example") == 403
    assert send_passkey(Client(), SoftwareKey("https://localhost")) == 403
    stranger, known = failures()
    assert (known.actor, known.after) == (f"staff:{officer}", {"method": "passkey"})
    assert stranger.actor == "system:login"
    assert send_passkey(Client(), key) == 200
    copy_of_key = key
    copy_of_key.counter = 0
    assert send_passkey(Client(), copy_of_key) == 403, "a copy of the key, which counts anew"
    assert failures()[0].actor == f"staff:{officer}"
    StaffNetwork.objects.create(role=Group.objects.get(name="operations"), network="203.0.113.0/24")
    key.counter = 7
    assert send_passkey(Client(), key) == 403, "from a network that is not theirs"
    assert len(failures()) == 4


def test_a_passkey_that_fails_to_prove_once_more_who_is_there() -> None:
    officer = staff_id("operations")
    key, client = with_key(officer), client_of(officer)
    assert send_passkey(client, key, "/admin/reauthenticate/passkey/", origin="https://evil.example") == 403
    (failed,) = failures("players.prove_second_factor")
    assert (failed.actor, failed.object_id) == (f"staff:{officer}", str(officer))
    assert send_passkey(client, key, "/admin/reauthenticate/passkey/") == 200


def test_a_flood_of_failures_is_no_flood_of_records() -> None:
    for _ in range(65):
        note_failure(user_id=None, by="passkey", ip="203.0.113.7", at=clock.now())
    assert len(failures()) == 60
    note_failure(user_id=None, by="passkey", ip="203.0.113.8", at=clock.now())
    assert len(failures()) == 61
