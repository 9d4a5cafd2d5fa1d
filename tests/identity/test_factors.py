"""Second factors: an app's codes, recovery codes, SMS, passkeys and hardware keys; trusted devices; step-up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from pytest_django import Settings

from events.selectors import list_player_events
from players.selectors_identity import list_attempts
from tests.factories import fund
from tests.identity.calls import PASSWORD, Program, flows_of, logged_in, registered, sent_code
from tests.identity.software_key import SoftwareKey
from tests.identity.test_login import player_id
from tests.rest.conftest import problem

pytestmark = pytest.mark.usefixtures("db")
PHONE = "+436641234570"


def totp(secret: str, at: datetime | None = None) -> str:
    """RFC 6238, written anew so that nothing is tested against itself."""
    step = int((at or datetime.now(UTC)).timestamp()) // 30
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 1_000_000:06}"


def with_app() -> tuple[Program, dict[str, Any], str, datetime]:
    """Somebody who has set up an app; the code of that moment is used up."""
    program, data = registered()
    secret = program.auth("GET", "account/authenticators/totp").json()["meta"]["secret"]
    at = datetime.now(UTC)
    answer = program.auth("POST", "account/authenticators/totp", {"code": totp(secret, at)})
    assert answer.status_code == 200, answer.content
    return program, data, secret, at


class TestApp:
    def test_its_code_is_asked_for_after_the_password(self) -> None:
        _, data, secret, at = with_app()
        with time_machine.travel(at + timedelta(seconds=60)):
            program = Program()
            answer = program.login("email", data["email"])
            assert (answer.status_code, flows_of(answer)) == (401, {"mfa_authenticate"})
            assert not program.access
            assert program.auth("GET", "account/authenticators").status_code == 401
            answer = program.auth("POST", "auth/2fa/authenticate", {"code": "000000"})
            assert answer.status_code == 400
            answer = program.auth("POST", "auth/2fa/authenticate", {"code": totp(secret)})
            assert answer.status_code == 200, answer.content
            assert program.api("GET", "me/sessions").json()["items"][0]["methods"] == ["password", "totp"]
        assert list_attempts(player_id(data))[0].outcome == "wrong_code"

    def test_a_code_works_once_for_everything(self) -> None:
        _, data, secret, at = with_app()
        with time_machine.travel(at + timedelta(seconds=60), tick=False):
            code = totp(secret)
            one, two = Program(), Program()
            one.login("email", data["email"])
            two.login("email", data["email"])
            assert one.auth("POST", "auth/2fa/authenticate", {"code": code}).status_code == 200
            assert two.auth("POST", "auth/2fa/authenticate", {"code": code}).status_code == 400
            assert one.auth("POST", "auth/2fa/reauthenticate", {"code": code}).status_code == 400
        with time_machine.travel(at + timedelta(seconds=90), tick=False):  # still within the tolerance of a step
            assert two.auth("POST", "auth/2fa/authenticate", {"code": code}).status_code == 400
            older = totp(secret, at + timedelta(seconds=60))
            assert two.auth("POST", "auth/2fa/authenticate", {"code": older}).status_code == 400
            assert two.auth("POST", "auth/2fa/authenticate", {"code": totp(secret)}).status_code == 200

    def test_the_secret_is_not_in_the_database(self) -> None:
        program, _, secret, _ = with_app()
        rows = str(list(Authenticator.objects.values_list("data", flat=True)))
        assert secret not in rows
        codes = program.auth("GET", "account/authenticators/recovery-codes").json()["data"]["unused_codes"]
        assert len(codes) == 10
        assert not any(code in rows for code in codes)

    def test_recovery_codes_open_once_and_are_shown_once(self) -> None:
        program, data, _, _ = with_app()
        shown = program.auth("GET", "account/authenticators/recovery-codes").json()["data"]
        assert "unused_codes" not in program.auth("GET", "account/authenticators/recovery-codes").json()["data"]
        code = shown["unused_codes"][3]
        for status in (200, 400):
            other = Program()
            other.login("email", data["email"])
            assert other.auth("POST", "auth/2fa/authenticate", {"code": code}).status_code == status

    def test_codes_are_not_guessed(self, settings: Settings) -> None:
        settings.PLAYER_LOGIN_ATTEMPTS = 3
        _, data, secret, at = with_app()
        with time_machine.travel(at + timedelta(seconds=60)):
            program = Program()
            program.login("email", data["email"])
            for _ in range(3):
                assert program.auth("POST", "auth/2fa/authenticate", {"code": "000000"}).status_code == 400
            assert program.auth("POST", "auth/2fa/authenticate", {"code": totp(secret)}).status_code == 429
            again = Program()
            again.login("email", data["email"])
            assert again.auth("POST", "auth/2fa/authenticate", {"code": totp(secret)}).status_code == 429

    def test_only_with_the_code_it_is_taken_off(self) -> None:
        _, data, secret, at = with_app()
        with time_machine.travel(at + timedelta(seconds=60)):
            program = Program()
            program.login("email", data["email"])
            program.auth("POST", "auth/2fa/authenticate", {"code": totp(secret)})
        with time_machine.travel(at + timedelta(seconds=460)):
            program.renew()
            assert program.auth("DELETE", "account/authenticators/totp").status_code == 401
            assert program.auth("POST", "auth/reauthenticate", {"password": PASSWORD}).status_code == 200
            assert program.auth("DELETE", "account/authenticators/totp").status_code == 401  # a password is not enough
            assert program.auth("POST", "auth/2fa/reauthenticate", {"code": totp(secret)}).status_code == 200
            assert program.auth("DELETE", "account/authenticators/totp").status_code == 200
            assert Program().login("email", data["email"]).status_code == 200
        changes = [
            event.payload["change"]
            for event in list_player_events(player_id(data), limit=20)
            if event.type == "players.security-changed.v1"
        ]
        assert changes[:2] == ["factor_removed", "factor_added"]


class TestTrustedDevices:
    def test_no_code_on_a_trusted_device_until_something_changes(self) -> None:
        _, data, secret, at = with_app()
        with time_machine.travel(at + timedelta(seconds=60)):
            program = Program()
            program.login("email", data["email"])
            program.auth("POST", "auth/2fa/authenticate", {"code": totp(secret)})
            here = next(row for row in program.api("GET", "me/devices").json()["items"] if row["current"])
            answer = program.api("PUT", f"me/devices/{here['id']}/trust")
            assert answer.status_code == 200, answer.content
            assert answer.json()["trusted_until"]
            again = Program(device=program.device)
            assert again.login("email", data["email"]).status_code == 200
            assert Program().login("email", data["email"]).status_code == 401
            body = {"current_password": PASSWORD, "new_password": "another umbrella 8 candles"}
            assert program.auth("POST", "account/password/change", body).status_code == 200
            again = Program(device=program.device)
            assert again.login("email", data["email"], body["new_password"]).status_code == 401

    def test_another_players_device_is_not_trusted(self) -> None:
        one, _ = registered()
        other, _ = registered()
        theirs = other.api("GET", "me/devices").json()["items"][0]["id"]
        problem(one.api("PUT", f"me/devices/{theirs}/trust"), 404, "not_found")
        problem(one.api("DELETE", f"me/devices/{theirs}/trust"), 404, "not_found")


class TestSms:
    def test_a_code_by_sms_after_the_password(self) -> None:
        program, data = registered(phone=PHONE)
        assert program.api("PUT", "me/sms-factor").json()["enabled"] is True
        other = Program()
        answer = other.login("email", data["email"])
        assert (answer.status_code, flows_of(answer)) == (401, {"login_by_code"})
        code = sent_code(PHONE)
        assert (
            other.auth("POST", "auth/code/confirm", {"code": "000000" if code != "000000" else "1"}).status_code == 400
        )
        assert other.auth("POST", "auth/code/confirm", {"code": code}).status_code == 200
        assert other.api("GET", "me/sessions").json()["items"][0]["methods"] == ["password", "sms"]
        third = Program()
        third.login("email", data["email"])
        assert third.auth("POST", "auth/code/confirm", {"code": code}).status_code == 400
        assert program.api("DELETE", "me/sms-factor").json()["enabled"] is False
        assert Program().login("email", data["email"]).status_code == 200

    def test_only_for_a_verified_number(self) -> None:
        program, _ = registered()
        problem(program.api("PUT", "me/sms-factor"), 409, "phone_not_verified")

    def test_an_app_takes_its_place(self) -> None:
        program, data = registered(phone=PHONE)
        program.api("PUT", "me/sms-factor")
        secret = program.auth("GET", "account/authenticators/totp").json()["meta"]["secret"]
        assert program.auth("POST", "account/authenticators/totp", {"code": totp(secret)}).status_code == 200
        assert flows_of(Program().login("email", data["email"])) == {"mfa_authenticate"}

    def test_a_changed_number_is_verified_before_it_counts(self) -> None:
        program, _ = registered(phone=PHONE)
        new = "+436641234571"
        assert program.auth("POST", "account/phone", {"phone": new}).status_code == 202
        assert program.api("GET", "me/profile").json()["phone"] == PHONE
        assert program.auth("POST", "auth/phone/verify", {"code": sent_code(new)}).status_code == 200
        profile = program.api("GET", "me/profile").json()
        assert (profile["phone"], profile["phone_verified"]) == (new, True)
        changes = program.api("GET", "me/changes").json()["items"]
        assert (changes[0]["name"], changes[0]["to_value"], changes[0]["by"]) == ("phone", new, "player")

    def test_a_number_gets_few_messages(self) -> None:
        from players.models import SandboxMessage

        program, data = registered(phone=PHONE)
        program.api("PUT", "me/sms-factor")
        for _ in range(9):
            Program().login("email", data["email"])
        assert SandboxMessage.objects.filter(phone=PHONE).count() == 5


class TestKeys:
    def add(self, program: Program, key: SoftwareKey, query: str = "") -> Any:
        options = program.auth("GET", f"account/authenticators/webauthn{query}").json()["data"]["creation_options"]
        credential = key.register(options)
        return program.auth("POST", "account/authenticators/webauthn", {"name": "My key", "credential": credential})

    def test_a_passkey_alone_opens_the_account(self) -> None:
        program, data = registered()
        key = SoftwareKey()
        assert self.add(program, key, "?passwordless").status_code == 200
        other = Program()
        options = other.auth("GET", "auth/webauthn/login").json()["data"]["request_options"]
        answer = other.auth("POST", "auth/webauthn/login", {"credential": key.sign(options)})
        assert answer.status_code == 200, answer.content
        assert other.api("GET", "me/profile").json()["login"] == data["username"]
        assert other.api("GET", "me/sessions").json()["items"][0]["methods"] == ["webauthn"]

    def test_a_hardware_key_is_a_second_factor_and_a_step_up(self) -> None:
        program, data = registered()
        key = SoftwareKey(verifies=False)
        assert self.add(program, key).status_code == 200
        other = Program()
        assert flows_of(other.login("email", data["email"])) == {"mfa_authenticate"}
        options = other.auth("GET", "auth/webauthn/authenticate").json()["data"]["request_options"]
        signed = key.sign(options)
        assert other.auth("POST", "auth/webauthn/authenticate", {"credential": signed}).status_code == 200
        options = other.auth("GET", "auth/webauthn/reauthenticate").json()["data"]["request_options"]
        answer = other.auth("POST", "auth/webauthn/reauthenticate", {"credential": key.sign(options)})
        assert answer.status_code == 200

    def test_what_is_signed_elsewhere_or_before_or_by_another_key_opens_nothing(self) -> None:
        program, _ = registered()
        key = SoftwareKey()
        self.add(program, key, "?passwordless")
        other = Program()

        def options() -> Any:
            return other.auth("GET", "auth/webauthn/login").json()["data"]["request_options"]

        stranger = SoftwareKey()
        stranger.id, stranger.user_handle = key.id, key.user_handle
        unverified = SoftwareKey(verifies=False)
        unverified.id, unverified.user_handle, unverified.private = key.id, key.user_handle, key.private
        stale = key.sign(options())
        for credential in (
            key.sign(options(), origin="https://phishing.example"),
            key.sign(options(), origin="http://testserver"),
            stranger.sign(options()),
            unverified.sign(options()),
            (options(), stale)[1],
            {**key.sign(options()), "response": {}},
            {},
            "nonsense",
        ):
            answer = other.auth("POST", "auth/webauthn/login", {"credential": credential})
            assert answer.status_code == 400, credential
        good = key.sign(options())
        assert other.auth("POST", "auth/webauthn/login", {"credential": good}).status_code == 200
        assert Program().auth("POST", "auth/webauthn/login", {"credential": good}).status_code == 400

    def test_a_key_is_renamed_and_removed_by_its_owner_alone(self) -> None:
        program, data = registered()
        stranger, _ = registered()
        number = self.add(program, SoftwareKey()).json()["data"]["id"]
        path = "account/authenticators/webauthn"
        assert stranger.auth("PUT", path, {"id": number, "name": "Mine"}).status_code == 400
        assert stranger.auth("DELETE", path, {"authenticators": [number]}).status_code == 400
        assert program.auth("PUT", path, {"id": number, "name": "Mine"}).json()["data"]["name"] == "Mine"
        assert program.auth("DELETE", path, {"authenticators": [number]}).status_code == 200
        assert Program().login("email", data["email"]).status_code == 200


class TestStepUp:
    INSTRUMENT = {"provider": "sandbox", "token": "tok_ok"}

    def test_old_logins_prove_themselves_anew_before_sensitive_things(self) -> None:
        program, _ = registered()
        assert program.api("POST", "me/instruments", self.INSTRUMENT).status_code == 201
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=301)):
            program.renew()
            told = problem(program.api("POST", "me/instruments", self.INSTRUMENT), 403, "step_up_needed")
            assert told["reauthenticate"] == "/_allauth/app/v1/auth/reauthenticate"
            problem(program.api("PATCH", "me/profile", {"city": "Graz"}), 403, "step_up_needed")
            problem(program.api("PATCH", "me/profile", {"national_id": "AB-1"}), 403, "step_up_needed")
            assert program.api("GET", "me/instruments").status_code == 200
            assert program.auth("POST", "auth/reauthenticate", {"password": "a wrong password"}).status_code == 400
            problem(program.api("PATCH", "me/profile", {"city": "Graz"}), 403, "step_up_needed")
            assert program.auth("POST", "auth/reauthenticate", {"password": PASSWORD}).status_code == 200
            assert program.api("PATCH", "me/profile", {"city": "Graz"}).json()["city"] == "Graz"

    def test_a_stolen_session_cannot_pay_in_and_be_paid_to_the_same_card(self) -> None:
        """A deposit, even one that is declined, makes its card known without any proof; the payout asks for one."""
        program, data = registered()
        fund(player_id(data), "500.00")
        money = {"amount": "20.00", "currency": "EUR"}
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=301)):
            program.renew()
            for card, state in (("tok_ok", "made"), ("tok_decline", "failed")):
                paid = program.api("POST", "me/deposits", {**money, "provider": "sandbox", "instrument": card})
                assert paid.json()["state"] == state
            known = program.api("GET", "me/instruments").json()["items"]
            assert len(known) == 2
            for instrument in known:
                body = {**money, "instrument_id": instrument["id"]}
                problem(program.api("POST", "me/withdrawals", body), 403, "step_up_needed")
            assert program.api("GET", "me/withdrawals").json()["items"] == []
            program.auth("POST", "auth/reauthenticate", {"password": PASSWORD})
            assert program.api("POST", "me/withdrawals", body).status_code == 201

    def test_who_has_a_factor_proves_it_by_that(self) -> None:
        _, data, secret, at = with_app()
        with time_machine.travel(at + timedelta(seconds=60)):
            program = Program()
            program.login("email", data["email"])
            program.auth("POST", "auth/2fa/authenticate", {"code": totp(secret)})
            here = next(row for row in program.api("GET", "me/devices").json()["items"] if row["current"])
            program.api("PUT", f"me/devices/{here['id']}/trust")
        with time_machine.travel(at + timedelta(seconds=600)):
            program = Program(device=program.device)
            assert program.login("email", data["email"]).status_code == 200
            problem(program.api("POST", "me/instruments", self.INSTRUMENT), 403, "step_up_needed")
            assert program.auth("POST", "auth/2fa/reauthenticate", {"code": totp(secret)}).status_code == 200
            assert program.api("POST", "me/instruments", self.INSTRUMENT).status_code == 201


def test_a_second_login_is_a_second_session() -> None:
    program, data = registered()
    assert logged_in(data).access != program.access
