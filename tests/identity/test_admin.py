"""Devices and sessions, consents and the SMS sandbox in the back office."""

from __future__ import annotations

import pytest
from django.urls import reverse

from players.models import SandboxMessage
from pms.roles import ROLES
from tests.identity.calls import Program, registered
from tests.identity.test_login import player_id
from tests.staff import staff_client, text_of

pytestmark = pytest.mark.usefixtures("db")

MAY_END = {"administrator", "operations", "support_lead", "compliance_officer", "mlro"}


def tab(player: object, key: str) -> str:
    return reverse("admin:players_player_tab", args=[player, key])


def test_sessions_are_seen_and_ended_by_those_who_may() -> None:
    program, data = registered()
    Program(agent="secret-agent/1.0").login("email", data["email"], "a wrong password 1")
    player = player_id(data)
    session = program.api("GET", "me/sessions").json()["items"][0]["id"]
    one = reverse("admin:players_player_end_session", args=[player, session])
    for role in ROLES.keys() - MAY_END:
        assert staff_client(role).post(one).status_code == 403, role
    assert program.api("GET", "me/profile").status_code == 200
    lead = staff_client("support_lead")
    page = text_of(lead.get(tab(player, "sessions")))
    assert "Firefox on Windows" in page
    assert "127.0.0.1" in page
    assert "Wrong password" in page
    assert "secret-agent" in page
    assert one in page
    assert "Firefox on Windows" in text_of(lead.get(one))
    assert program.api("GET", "me/profile").status_code == 200, "looking ends nothing"
    assert lead.post(one).status_code == 302
    assert program.api("GET", "me/profile").status_code == 401
    assert "Killed by staff" in text_of(lead.get(tab(player, "sessions")))


def test_all_sessions_end_together_and_another_players_stay() -> None:
    program, data = registered()
    stranger, other = registered()
    theirs = stranger.api("GET", "me/sessions").json()["items"][0]["id"]
    operations = staff_client("operations")
    wrong = reverse("admin:players_player_end_session", args=[player_id(data), theirs])
    operations.post(wrong)
    assert stranger.api("GET", "me/profile").status_code == 200
    operations.post(reverse("admin:players_player_end_sessions", args=[player_id(data)]))
    assert program.api("GET", "me/profile").status_code == 401
    assert stranger.api("GET", "me/profile").status_code == 200
    assert other["email"]


def test_addresses_are_shortened_for_roles_without_personal_data() -> None:
    program, data = registered()
    Program(agent="secret-agent/1.0").login("email", data["email"], "a wrong password 1")
    page = text_of(staff_client("auditor").get(tab(player_id(data), "sessions")))
    assert "127.0.0.•••" in page
    assert "127.0.0.1" not in page
    assert "secret-agent" not in page
    assert program.access not in page


def test_who_may_see_the_tabs_and_the_sandbox() -> None:
    _, data = registered(
        phone="+436641234573", marketing=[{"product": "casino", "channel": "email"}], text_version="2026-01"
    )
    sandbox = reverse("admin:players_sandboxmessage_changelist")
    for role in ROLES:
        client = staff_client(role)
        seen = "players.view_session" in ROLES[role]
        for key in ("sessions", "consents"):
            assert (client.get(tab(player_id(data), key)).status_code == 200) is seen, (role, key)
        assert (client.get(sandbox).status_code == 200) is (role == "administrator"), role
    client = staff_client("administrator")
    assert "2026-01" in text_of(client.get(tab(player_id(data), "consents")))
    assert "+436641234573" in text_of(client.get(sandbox))
    row = SandboxMessage.objects.get()
    assert client.get(reverse("admin:players_sandboxmessage_change", args=[row.pk])).status_code == 404
    assert "+436641234573" in text_of(client.get(sandbox, {"q": "+43 664 1234573"}))
