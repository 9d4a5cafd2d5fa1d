"""What is kept of logins: on the audit trail, sealed anew with a new key, forgotten in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from pytest_django import Settings

from compliance.services.purging import purge
from events.models import AuditRecord
from kernel import clock
from kernel.actors import system
from players.selectors_identity import list_attempts
from tests.identity.calls import Program, registered, sent_code
from tests.identity.test_factors import with_app
from tests.identity.test_login import player_id

pytestmark = pytest.mark.usefixtures("db")


def test_logins_and_what_protects_the_account_are_on_the_audit_trail() -> None:
    program, data = registered()
    Program().login("email", data["email"], "a wrong password 1")
    program.api("DELETE", "me/sessions")
    found = [
        (row.action, row.outcome)
        for row in AuditRecord.objects.filter(player_id=player_id(data), action__startswith="players.").order_by("id")
    ]
    assert found == [
        ("players.change_security", "done"),
        ("players.log_in", "done"),
        ("players.log_in", "failed"),
        ("players.end_session", "done"),
    ]


def test_secrets_are_sealed_anew_with_a_new_key(settings: Settings) -> None:
    program, _, secret, _ = with_app()
    before = [row.data for row in Authenticator.objects.order_by("id")]
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key " * 5
    call_command("rotate_keys", "--secrets")
    settings.SECRET_KEY_FALLBACKS = []
    assert [row.data for row in Authenticator.objects.order_by("id")] != before
    assert program.api("GET", "me/profile").status_code == 200
    from allauth.mfa.utils import decrypt

    assert decrypt(Authenticator.objects.get(type="totp").data["secret"]) == secret


def test_attempts_and_sandbox_messages_are_forgotten_in_time() -> None:
    program, data = registered(phone="+436641234572")
    Program().login("email", data["email"], "a wrong password 1")
    assert sent_code(data["phone"])
    now = clock.now()

    def gone(name: str, days: int) -> int:
        return purge(actor=system("test"), at=now + timedelta(days=days), names=[name])[0].gone

    assert (gone("login-attempts", 0), gone("sandbox-messages", 0)) == (0, 0)
    assert gone("login-attempts", 91) == 1
    assert gone("sandbox-messages", 8) == 1
    assert list_attempts(player_id(data)) == []
    assert program.api("GET", "me/profile").status_code == 200
