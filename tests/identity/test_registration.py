"""People open their own accounts."""

from __future__ import annotations

import pytest
from django.core import mail

from events.selectors import list_player_events
from players.selectors import find_player_by_login
from players.selectors_identity import list_consents
from tests.identity.calls import Program, flows_of, mailed_code, person, registered, sent_code

pytestmark = pytest.mark.usefixtures("db", "cheap_hashes")


def test_register_verify_and_be_logged_in() -> None:
    data = person(marketing=[{"product": "casino", "channel": "email"}], text_version="2026-01")
    program = Program()
    answer = program.auth("POST", "auth/signup", data)
    assert (answer.status_code, flows_of(answer)) == (401, {"verify_email"})
    assert program.session
    assert not program.access
    answer = program.auth("POST", "auth/email/verify", {"key": mailed_code()})
    assert answer.status_code == 200, answer.content
    player = find_player_by_login(data["username"])
    assert player
    assert answer.json()["data"]["user"]["id"] == str(player.id)
    assert (player.email, player.first_name, player.currency) == (data["email"], "Anna", "EUR")
    assert [(row.product, row.channel, row.granted) for row in list_consents(player.id)] == [("casino", "email", True)]
    assert [event.type for event in list_player_events(player.id, limit=10)][::-1] == [
        "players.player-registered.v1",
        "players.consent-changed.v1",
        "players.security-changed.v1",
        "players.session-started.v1",
    ]
