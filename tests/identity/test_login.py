"""Players log in by email, login name or phone; nobody else does, and nothing tells who has an account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core import mail
from django.db import connections
from django.test import Client as Browser
from pytest_django import Settings

from events.selectors import list_player_events
from kernel import clock
from kernel.actors import system
from players.models_staff import IdentityProvider
from players.selectors import find_player_by_login
from players.selectors_identity import list_attempts, list_sessions
from players.services.accounts import change_status
from players.services.restrictions import impose
from players.services.staff import ensure_staff
from players.types import RestrictionKind, Status
from tests.factories import AT, make_player
from tests.identity.calls import PASSWORD, Program, logged_in, mailed_code, registered

pytestmark = pytest.mark.usefixtures("db")
ACTOR = system("test")


def player_id(data: dict[str, Any]) -> Any:
    player = find_player_by_login(data["username"])
    assert player
    return player.id


class TestNames:
    def test_email_login_name_and_phone_all_open_the_account(self) -> None:
        _, data = registered(phone="+436641234567")
        for name, value in (
            ("email", data["email"].upper()),
            ("username", data["username"].upper()),
            ("phone", data["phone"]),
        ):
            program = Program()
            assert program.login(name, value).status_code == 200, name
            assert program.api("GET", "me/profile").json()["id"] == str(player_id(data))

    def test_who_was_registered_by_a_client_sets_a_password_first(self) -> None:
        player = make_player(email="client-made@example.org")
        program = Program()
        assert program.login("email", player.email).status_code == 400
        assert program.auth("POST", "auth/password/request", {"email": player.email}).status_code == 401
        answer = program.auth("POST", "auth/password/reset", {"key": mailed_code(), "password": PASSWORD})
        assert answer.status_code == 401, answer.content
        fresh = Program()
        answer = fresh.login("email", player.email)
        assert answer.status_code == 200, answer.content

    def test_staff_cannot_log_in_here_by_any_way(self) -> None:
        ensure_staff(login="boss", email="boss@example.com", password=PASSWORD, roles=[], at=AT)
        for name, value in (("username", "boss"), ("email", "boss@example.com")):
            assert Program().login(name, value).status_code == 400
        before = len(mail.outbox)
        program = Program()
        assert program.auth("POST", "auth/password/request", {"email": "boss@example.com"}).status_code == 401
        assert "boss" not in mail.outbox[before].subject
        assert "code" not in mail.outbox[before].body.lower()
        browser = Browser()
        browser.force_login(get_user_model().objects.get(username="boss"), "django.contrib.auth.backends.ModelBackend")
        stolen = Program(session=str(browser.session.session_key))
        assert stolen.auth("GET", "account/authenticators").status_code == 410

    def test_players_never_get_into_the_back_office(self) -> None:
        _, data = registered()
        browser = Browser()
        answer = browser.post("/admin/login/", {"username": data["username"], "password": PASSWORD})
        assert answer.status_code == 200
        assert "sessionid" not in browser.cookies
        user = get_user_model().objects.get(username=data["username"])
        browser.force_login(user, "pms.player_auth.backend.PlayerBackend")
        assert browser.get("/admin/").status_code == 302

    def test_a_password_is_never_in_an_answer_or_event(self) -> None:
        program, data = registered()
        assert PASSWORD not in program.auth("GET", "auth/session").content.decode()
        assert PASSWORD not in str([event.payload for event in list_player_events(player_id(data), limit=50)])


class TestRestrictions:
    @pytest.mark.parametrize("kind", [RestrictionKind.SELF_EXCLUDED, RestrictionKind.LOGIN_BLOCK])
    def test_a_login_block_ends_sessions_and_refuses_new_ones(self, kind: RestrictionKind) -> None:
        program, data = registered()
        assert program.api("GET", "me/profile").status_code == 200
        impose(
            player_id=player_id(data), kind=kind, reason="asked for it", source="player", actor=ACTOR, at=clock.now()
        )
        assert program.api("GET", "me/profile").status_code == 401
        assert program.renew().status_code == 400
        answer = Program().login("email", data["email"])
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, kind.value)
        assert Program().login("email", data["email"], "a wrong password 1").status_code == 400
        assert list_attempts(player_id(data))[-1].outcome == "refused"

    def test_a_closed_account_is_out_and_a_cooling_off_is_not(self) -> None:
        program, data = registered()
        impose(
            player_id=player_id(data), kind=RestrictionKind.COOLING_OFF, reason="rest", source="player", actor=ACTOR,
            at=clock.now(),
        )  # fmt: skip
        assert program.api("GET", "me/restrictions").json()["items"][0]["kind"] == "cooling_off"
        change_status(player_id=player_id(data), to=Status.CLOSED, reason="bye", actor=ACTOR, at=clock.now())
        assert program.api("GET", "me/restrictions").status_code == 401
        assert Program().login("email", data["email"]).status_code == 403

    def test_the_reason_of_an_aml_hold_stays_hidden(self) -> None:
        program, data = registered()
        impose(
            player_id=player_id(data), kind=RestrictionKind.AML_HOLD, reason="secret", source="rule", actor=ACTOR,
            at=clock.now(),
        )  # fmt: skip
        shown = program.api("GET", "me/restrictions").content.decode()
        assert "account_hold" in shown
        assert "aml" not in shown
        assert "secret" not in shown


class TestGuessing:
    def test_fifty_guesses_at_once_try_no_more_than_the_limit(self, settings: Settings) -> None:
        settings.PLAYER_LOGIN_ATTEMPTS_PER_IP = 1000
        settings.PLAYER_LOGIN_ATTEMPTS = 10
        _, data = registered()
        checked: list[str] = []

        def guess(number: int) -> int:
            try:
                answer = Program().login("email", data["email"], f"a wrong password {number}")
                checked.append(answer.json()["errors"][0]["code"])
                return answer.status_code
            finally:
                connections.close_all()

        with ThreadPoolExecutor(50) as pool:
            statuses = list(pool.map(guess, range(50)))
        assert set(statuses) == {400}
        assert checked.count("email_password_mismatch") == 10
        assert checked.count("too_many_login_attempts") == 40
        answer = Program().login("email", data["email"])
        assert answer.json()["errors"][0]["code"] == "too_many_login_attempts"
        types = [event.type for event in list_player_events(player_id(data), limit=20)]
        assert types.count("players.login-locked.v1") == 1
        assert 0 < len(list_attempts(player_id(data))) <= 11  # those that were tried, and that it was locked

    def test_all_names_of_an_account_are_locked_together(self, settings: Settings) -> None:
        settings.PLAYER_LOGIN_ATTEMPTS = 2
        _, data = registered(phone="+436641234568")
        Program().login("email", data["email"], "a wrong password 1")
        Program().login("username", data["username"], "a wrong password 2")
        answer = Program().login("phone", data["phone"])  # the right password: not tried, and nothing tells so
        assert answer.json()["errors"][0]["code"] == "phone_password_mismatch"

    def test_the_owner_gets_in_from_a_known_device_while_strangers_guess(self, settings: Settings) -> None:
        settings.PLAYER_LOGIN_ATTEMPTS = 2
        known, data = registered()
        for number in range(5):
            Program().login("email", data["email"], f"a wrong password {number}")
        assert Program().login("email", data["email"]).status_code == 400
        assert Program(device=known.device).login("email", data["email"]).status_code == 200
        assert Program(device="made up").login("email", data["email"]).status_code == 400

    def test_while_redis_is_away_guesses_are_still_counted(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import redis

        from kernel import counting

        settings.PLAYER_LOGIN_ATTEMPTS = 3
        _, data = registered()

        def away(*args: object, **kwargs: object) -> None:
            raise redis.ConnectionError

        monkeypatch.setattr(counting, "_add", away)
        monkeypatch.setattr(counting, "_local", {})
        codes = [
            Program().login("email", data["email"], f"a wrong password {number}").json()["errors"][0]["code"]
            for number in range(5)
        ]
        assert codes == ["email_password_mismatch"] * 3 + ["too_many_login_attempts"] * 2
        assert logged_in_from_elsewhere(data) == 400

    def test_many_accounts_from_one_address_are_slowed_down_too(self, settings: Settings) -> None:
        settings.PLAYER_LOGIN_ATTEMPTS_PER_IP = 5
        codes = [
            Program().login("email", f"nobody{n}@example.org", "a wrong password").json()["errors"][0]["code"]
            for n in range(8)
        ]
        assert codes.count("too_many_login_attempts") == 3


def logged_in_from_elsewhere(data: dict[str, Any]) -> int:
    return Program().login("email", data["email"]).status_code


class TestEnumeration:
    def test_the_same_answers_for_known_and_unknown(self, settings: Settings) -> None:
        settings.PLAYER_LOGIN_ATTEMPTS = 2
        _, data = registered(phone="+436641234569")
        strangers = {"email": "nobody@example.org", "username": "nobody", "phone": "+436649999999"}
        for name, stranger in strangers.items():
            for _ in range(4):  # wrong, wrong, locked, locked; the next name begins at wrong again
                known = Program().login(name, data[name], "a wrong password 1")
                unknown = Program().login(name, stranger, "a wrong password 1")
                assert (known.status_code, known.json()) == (unknown.status_code, unknown.json()), name

    def test_registering_a_known_address_looks_like_any_registration(self) -> None:
        _, data = registered()
        answers = []
        for email in (data["email"], "new-person@example.org"):
            program = Program()
            body = {**data, "email": email, "username": f"other-{email[:3]}"}
            answer = program.auth("POST", "auth/signup", body)
            shown = answer.json()
            shown["meta"].pop("session_token")
            answers.append((answer.status_code, shown))
            wrong = program.auth("POST", "auth/email/verify", {"key": "AAAA-AAAA"})
            answers[-1] += (wrong.status_code, wrong.json())
        assert answers[0] == answers[1]
        assert "already" in mail.outbox[-2].body

    def test_a_reset_for_an_unknown_address_looks_the_same(self) -> None:
        _, data = registered()
        answers = []
        for email in (data["email"], "nobody@example.org"):
            program = Program()
            answer = program.auth("POST", "auth/password/request", {"email": email})
            shown = answer.json()
            shown["meta"].pop("session_token")
            answers.append((answer.status_code, shown))
            wrong = program.auth("POST", "auth/password/reset", {"key": "AAAA-AAAA", "password": PASSWORD})
            answers[-1] += (wrong.status_code, wrong.json())
        assert answers[0] == answers[1]

    def test_a_password_is_hashed_for_an_unknown_name_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The hash is by far the longest part of a login: its time must not tell who is known."""
        _, data = registered()
        hashed: list[str] = []
        hash_it = PBKDF2PasswordHasher.encode

        def noted(hasher: PBKDF2PasswordHasher, password: str, *more: object) -> str:
            hashed.append(password)
            return hash_it(hasher, password, *more)  # type: ignore[arg-type]

        monkeypatch.setattr(PBKDF2PasswordHasher, "encode", noted)
        for name, unknown in (("email", "nobody@example.org"), ("username", "nobody")):
            for login in (data[name], unknown):
                assert Program().login(name, login, "a wrong password 1").status_code == 400
                assert hashed == ["a wrong password 1"], login
                hashed.clear()


class TestDevices:
    def test_a_new_device_is_told_by_mail_and_a_known_one_is_not(self) -> None:
        first, data = registered()
        sent = len(mail.outbox)
        again = logged_in(data, device=first.device)
        assert len(mail.outbox) == sent
        assert again.device == first.device
        other = logged_in(data, agent="Mozilla/5.0 (iPhone) Version/18.0 Safari/605.1")
        assert len(mail.outbox) == sent + 1
        assert "new device" in mail.outbox[-1].subject.lower()
        assert "Safari" in mail.outbox[-1].body or "iPhone" in mail.outbox[-1].body
        assert other.device not in ("", first.device)
        names = [device["name"] for device in other.api("GET", "me/devices").json()["items"]]
        assert names == ["Safari on iPhone", "Firefox on Windows"]

    def test_sessions_are_listed_and_ended_one_by_one_and_all(self) -> None:
        one, data = registered()
        two, three = logged_in(data), logged_in(data)
        rows = three.api("GET", "me/sessions").json()["items"]
        assert [row["current"] for row in rows] == [True, False, False]
        assert rows[0]["methods"] == ["password"]
        assert three.api("DELETE", f"me/sessions/{rows[2]['id']}").json() == {"ended": 1}
        assert one.api("GET", "me/profile").status_code == 401
        assert one.auth("GET", "account/authenticators").status_code == 401
        assert two.api("GET", "me/profile").status_code == 200
        assert two.api("DELETE", "me/sessions").json() == {"ended": 2}
        for program in (two, three):
            assert program.api("GET", "me/profile").status_code == 401
            assert program.renew().status_code == 400
        ended = [event.payload["reason"] for event in list_player_events(player_id(data), limit=3)]
        assert ended == ["killed_by_player"] * 3

    def test_logging_out_is_at_once(self) -> None:
        program, data = registered()
        assert program.api("GET", "me/profile").status_code == 200
        assert program.auth("DELETE", "auth/session").status_code == 401
        assert program.api("GET", "me/profile").status_code == 401
        assert program.renew().status_code == 400
        assert [row.end_reason for row in list_sessions(player_id(data))] == ["logout"]

    def test_sessions_end_when_their_time_is_over(self) -> None:
        from players.services.sessions import end_expired

        program, data = registered()
        later = clock.now() + timedelta(days=31)
        assert end_expired(at=later) == 1
        assert end_expired(at=later) == 0
        assert program.api("GET", "me/profile").status_code == 401
        assert list_sessions(player_id(data))[0].end_reason == "expired"


class TestStolenSessions:
    def test_the_password_is_not_guessed_with_one(self, settings: Settings) -> None:
        settings.PLAYER_LOGIN_ATTEMPTS = 3
        program, _ = registered()
        codes = []
        for number in range(5):
            body = {"current_password": f"a wrong password {number}", "new_password": "another umbrella 8 candles"}
            answer = program.auth("POST", "account/password/change", body)
            codes.append(answer.json()["errors"][0]["code"])
        assert codes == ["enter_current_password"] * 3 + ["too_many_login_attempts"] * 2
        answer = program.auth("POST", "auth/reauthenticate", {"password": PASSWORD})
        assert answer.json()["errors"][0]["code"] == "too_many_login_attempts"

    def test_nor_the_code_of_another_persons_phone(self, settings: Settings) -> None:
        settings.PLAYER_LOGIN_ATTEMPTS = 4
        program, _ = registered()
        statuses = []
        for _ in range(3):
            assert program.auth("POST", "account/phone", {"phone": "+436641234599"}).status_code == 202
            statuses += [program.auth("POST", "auth/phone/verify", {"code": "1"}).status_code for _ in range(2)]
        assert statuses == [400] * 4 + [429] * 2

    def test_taken_addresses_and_numbers_are_not_told_to_players_either(self) -> None:
        _, taken = registered(phone="+436641234598")
        answers = []
        for email, phone in ((taken["email"], taken["phone"]), ("free@example.org", "+436641234597")):
            program, _ = registered()
            by_mail = program.auth("POST", "account/email", {"email": email})
            by_phone = program.auth("POST", "account/phone", {"phone": phone})
            shown = [by_mail.status_code, by_phone.status_code, len(by_mail.json()["data"])]
            answers.append(shown)
        assert answers[0] == answers[1]


class TestStaffsIdentityProviders:
    def test_players_are_neither_told_of_them_nor_led_to_them(self) -> None:
        IdentityProvider.objects.create(
            slug="corporate",
            name="Corporate login",
            protocol="openid_connect",
            client_id="staff-client",
            parameters={"server_url": "https://idp.example/"},
        )
        program, _ = registered()
        for answer in (
            Program().auth("GET", "config"),
            Program().auth("GET", "auth/session"),
            Program().login("email", "nobody@example.org"),
            program.auth("GET", "auth/session"),
        ):
            shown = answer.content.decode()
            assert "corporate" not in shown.lower()
            assert "staff-client" not in shown
        for path in ("auth/provider/redirect", "auth/provider/token", "auth/provider/signup", "account/providers"):
            assert Program().auth("POST", path, {"provider": "corporate"}).status_code == 404
