"""Sessions of staff: their limits, killing them, what a new password does to them, and proving once more who one is."""

from __future__ import annotations

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client

from kernel import clock
from kernel.actors import Actor, ActorKind
from kernel.places import Place
from kernel.reauthentication import SESSION_KEY
from players.models_staff import StaffSession
from players.rules_staff import Invalid, limits_for, may_come_from, parse_limits
from players.selectors_staff import list_hands
from players.services.staff_devices import reset_second_factors
from players.services.staff_sessions import end_sessions
from players.types_staff import EndReason, SessionLimits
from tests.staff import client_of, staff_client, staff_id, text_of

pytestmark = pytest.mark.usefixtures("db")


def logged_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def after(**time: float) -> Any:
    return time_machine.travel(clock.now() + timedelta(**time), tick=True)


# --- limits ---


def test_a_session_that_rests_too_long_is_over_and_says_why() -> None:
    client = staff_client("operations")
    with after(minutes=29):
        assert logged_in(client)
    with after(minutes=58):
        assert logged_in(client), "being there counts"
    with after(minutes=58 + 31):
        page = client.get("/admin/players/player/?q=anna", follow=True)
    assert page.redirect_chain[0][0] == "/admin/login/?next=/admin/players/player/%3Fq%3Danna"
    assert "nothing happened for a while" in text_of(page)
    assert StaffSession.objects.get().end_reason == EndReason.IDLE


def test_looking_at_the_clock_does_not_keep_a_session_awake() -> None:
    client = staff_client("operations")
    with after(minutes=20):
        assert 590 < client.get("/admin/session/").json()["seconds_idle"] <= 600
    with after(minutes=31):
        assert client.get("/admin/session/").status_code == 401


def test_whoever_says_so_stays() -> None:
    client = staff_client("operations")
    with after(minutes=29):
        assert client.post("/admin/session/stay/").status_code == 200
    with after(minutes=50):
        assert logged_in(client)


def test_a_session_lasts_no_longer_than_it_may_however_busy(settings: Any) -> None:
    settings.STAFF_SESSION_MINUTES = 60
    client = staff_client("operations")
    for minutes in (20, 40, 59):
        with after(minutes=minutes):
            assert logged_in(client)
    with after(minutes=61):
        assert not logged_in(client)
    assert StaffSession.objects.get().end_reason == EndReason.TOO_OLD


def test_the_strictest_role_sets_the_limits() -> None:
    by_role = parse_limits({"mlro": "10/240", "finance": "20/120"})
    assert limits_for(["mlro", "finance", "analyst"], SessionLimits(30, 600), by_role) == SessionLimits(10, 120)
    assert limits_for([], SessionLimits(30, 600), by_role) == SessionLimits(30, 600)
    for wrong in ("10", "10/", "0/10", "a/b"):
        with pytest.raises(Invalid):
            parse_limits({"mlro": wrong})


@pytest.mark.parametrize(
    ("ip", "networks", "let_in"),
    [
        ("203.0.113.7", {}, True),
        ("203.0.113.7", {"finance": ["203.0.113.0/24"]}, True),
        ("203.0.113.7", {"finance": ["203.0.113.0/24"], "mlro": ["198.51.100.0/24"]}, False),
        ("::ffff:203.0.113.7", {"finance": ["203.0.113.0/24"]}, True),
        ("2001:db8::1", {"finance": ["203.0.113.0/24", "2001:db8::/32"]}, True),
        ("", {"finance": ["0.0.0.0/0"]}, False),
        ("", {}, True),
    ],
)
def test_networks(ip: str, networks: dict[str, list[str]], let_in: bool) -> None:
    assert may_come_from(ip, networks) is let_in


# --- killing ---


def test_my_sessions_are_listed_and_one_is_ended() -> None:
    user_id = staff_id("operations")
    here, there = client_of(user_id), client_of(user_id)
    page = text_of(here.get("/admin/security/"))
    ended = re.search(r"/admin/security/sessions/([0-9a-f-]+)/end/", page)
    assert ended
    here.post(ended[0])
    assert logged_in(here)
    assert not logged_in(there)


def test_nobody_ends_a_colleagues_session_by_its_id() -> None:
    mine, theirs = staff_client("operations"), staff_client("finance")
    other = StaffSession.objects.get(user__username="finance-1")
    assert mine.post(f"/admin/security/sessions/{other.pk}/end/").status_code == 404
    assert mine.post(f"/admin/players/staffsession/{other.pk}/end/").status_code == 403
    assert logged_in(theirs)


def test_an_administrator_ends_one_session_those_of_a_person_and_all() -> None:
    admin = staff_client("administrator")
    person = staff_id("operations")
    first, second, third = client_of(person), client_of(person), client_of(person)
    finance = staff_client("finance")
    rows = list(StaffSession.objects.filter(user_id=person).order_by("id"))
    assert "operations-1" in text_of(admin.get("/admin/players/staffsession/?state=living"))
    admin.post(f"/admin/players/staffsession/{rows[0].pk}/end/")
    assert [logged_in(client) for client in (first, second, third)] == [False, True, True]
    admin.post(f"/admin/players/staffsession/{rows[1].pk}/end-person/")
    assert [logged_in(client) for client in (second, third, finance)] == [False, False, True]
    admin.post("/admin/players/staffsession/end-all/")
    assert not logged_in(finance)
    assert logged_in(admin)


def test_a_killed_session_does_not_come_back_with_its_cookie() -> None:
    client = staff_client("operations")
    assert logged_in(client)  # it is in the cache now
    user_id = get_user_model().objects.get(username="operations-1").pk
    actor = Actor(ActorKind.STAFF, "0")
    assert end_sessions(user_id=user_id, reason=EndReason.KILLED, actor=actor, at=clock.now()) == 1
    assert not logged_in(client)


def test_a_session_of_django_alone_opens_nothing() -> None:
    client = Client()
    client.force_login(get_user_model().objects.get(pk=staff_id("operations")))
    assert not logged_in(client)


def test_a_session_without_second_factor_opens_nothing_where_the_role_needs_one() -> None:
    client = staff_client("operations")
    session = client.session
    del session["otp_device_id"]
    session.save()
    assert not logged_in(client)


# --- passwords and accounts ---


def test_a_new_password_of_ones_own_ends_the_other_sessions() -> None:
    user_id = staff_id("operations")
    here, stolen = client_of(user_id), client_of(user_id)
    new = {"old_password": "long enough 1", "new_password1": "other words 77", "new_password2": "other words 77"}
    assert here.post("/admin/password_change/", new).status_code == 302
    assert logged_in(here)
    assert not logged_in(stolen)
    assert StaffSession.objects.filter(end_reason=EndReason.PASSWORD).count() == 1


def test_a_password_given_by_an_administrator_ends_them_too() -> None:
    user_id = staff_id("operations")
    theirs, admin = client_of(user_id), staff_client("administrator")
    new = {"password1": "other words 77", "password2": "other words 77", "usable_password": "true"}
    answer = admin.post(f"/admin/players/user/{user_id}/password/", new)
    assert answer.status_code == 302
    assert not logged_in(theirs)
    assert logged_in(admin)
    assert StaffSession.objects.get(user_id=user_id).end_reason == EndReason.PASSWORD


def test_logging_out_ends_the_session() -> None:
    client = staff_client("operations")
    client.post("/admin/logout/")
    assert not logged_in(client)
    assert StaffSession.objects.get().end_reason == EndReason.LOGOUT


# --- forms sent too late ---


def test_a_form_sent_after_the_end_leads_back_to_its_page() -> None:
    client = staff_client("operations")
    with after(minutes=31):
        answer = client.post(
            "/admin/players/player/x/impose/", {}, HTTP_REFERER="http://testserver/admin/players/player/x/impose/?a=1"
        )
        foreign = client.post("/admin/players/player/x/impose/", {}, HTTP_REFERER="https://evil.example/admin/")
    assert answer["Location"] == "/admin/login/?next=/admin/players/player/x/impose/%3Fa%3D1"
    assert foreign["Location"] == "/admin/login/?next=/admin/"


def test_a_part_of_a_page_asked_for_after_the_end_sends_the_whole_page_to_the_login() -> None:
    client = staff_client("operations")
    here = "http://testserver/admin/wallet/deposit/"
    with after(minutes=31):
        answer = client.get("/admin/search/?s=a", HTTP_HX_REQUEST="true", HTTP_REFERER=here)
    assert answer["HX-Redirect"] == "/admin/login/?next=/admin/wallet/deposit/"


# --- proving once more who one is ---


def test_sensitive_actions_ask_again_after_a_while() -> None:
    admin = staff_client("administrator")
    address = "/admin/players/staffnetwork/add/"
    assert admin.get(address).status_code == 200
    with after(minutes=14):
        assert admin.get(address).status_code == 200
        admin.post("/admin/session/stay/")
    with after(minutes=16):
        assert admin.get(address)["Location"] == f"/admin/reauthenticate/?next={address.replace('/', '%2F')}"


def test_it_is_proved_by_the_password_of_whoever_has_nothing_else() -> None:
    client = staff_client("administrator")
    session = client.session
    session["verified_at"] = "2020-01-01T00:00:00+00:00"
    session.save()
    form = {"password": "wrong", "next": "/admin/players/staffnetwork/add/"}
    assert client.post("/admin/reauthenticate/", form).status_code == 200
    assert client.get("/admin/players/staffnetwork/add/").status_code == 302
    answer = client.post("/admin/reauthenticate/", {**form, "password": "long enough 1"})
    assert answer["Location"] == "/admin/players/staffnetwork/add/"
    assert client.get("/admin/players/staffnetwork/add/").status_code == 200


def test_the_lists_say_where_a_session_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("players.selectors_staff.find_place", lambda ip: Place("AT", "Vienna"))
    monkeypatch.setattr("players.admin_staff.find_place", lambda ip: Place("AT", "Vienna"))
    admin = staff_client("administrator")
    for address in ("/admin/security/", "/admin/players/staffsession/"):
        assert "127.0.0.1 Vienna, AT" in text_of(admin.get(address)), address


# --- what administrators do to colleagues' logins ---

NEW = {"password1": "a long new password 7", "password2": "a long new password 7"}


def test_a_colleagues_password_asks_who_sets_it_tells_the_colleague_and_joins_the_two() -> None:
    admin, colleague = staff_client("administrator"), staff_id("finance")
    address = f"/admin/players/user/{colleague}/password/"
    session = admin.session
    proved = session[SESSION_KEY]
    session[SESSION_KEY] = (clock.now() - timedelta(minutes=16)).isoformat()
    session.save()
    answer = admin.post(address, NEW)
    assert answer["Location"] == f"/admin/reauthenticate/?{urlencode({'next': address})}"
    assert get_user_model().objects.get(pk=colleague).check_password("long enough 1")
    assert not mail.outbox
    session[SESSION_KEY] = proved
    session.save()
    assert admin.post(address, NEW).status_code == 302
    assert get_user_model().objects.get(pk=colleague).check_password(NEW["password1"])
    (told,) = mail.outbox
    assert told.to == ["finance@example.com"]
    assert "Your password was set" in told.body
    assert "by administrator-1" in told.body
    assert list_hands(colleague, clock.now()) == {colleague, staff_id("administrator")}


def test_an_account_that_somebody_made_is_in_their_hands() -> None:
    admin = staff_client("administrator")
    form = {**NEW, "username": "newcomer", "email": "new@example.com", "usable_password": "true"}
    assert admin.post("/admin/players/user/add/", form).status_code == 302
    newcomer = get_user_model().objects.get(username="newcomer").pk
    assert list_hands(newcomer, clock.now()) == {newcomer, staff_id("administrator")}
    assert [told.to for told in mail.outbox] == [["new@example.com"]]


def test_a_changed_address_is_told_to_the_old_one() -> None:
    admin, colleague = staff_client("administrator"), staff_id("finance")
    form = {"username": "finance-1", "email": "mine@example.com", "is_active": "on"}
    assert admin.post(f"/admin/players/user/{colleague}/change/", form).status_code == 302
    assert [(told.to, "was changed" in told.body) for told in mail.outbox] == [(["finance@example.com"], True)]


def test_taking_factors_away_is_told_to_their_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    colleague, boss = staff_id("finance"), Actor(ActorKind.STAFF, str(staff_id("administrator")))
    reset_second_factors(user_id=colleague, reason="lost phone", actor=boss, at=clock.now())
    assert [(told.to, "factors were taken away" in told.body) for told in mail.outbox] == [
        (["finance@example.com"], True)
    ]

    def away(**_: object) -> None:
        raise SMTPServerDisconnected

    monkeypatch.setattr("players.services.staff_resets.send_mail", away)
    reset_second_factors(user_id=colleague, reason="again", actor=boss, at=clock.now())
