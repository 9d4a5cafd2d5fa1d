"""What the API refuses is on the audit trail, and a program cannot flood it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from events.selectors_audit import list_audit
from events.types import AuditOutcome, AuditQuery
from tests.factories import make_player
from tests.rest.conftest import Api, problem

pytestmark = pytest.mark.usefixtures("db")


def test_a_missing_scope_is_recorded_once_a_minute(token_for: Callable[..., str]) -> None:
    api = Api(token_for("loyalty:read"))
    player = make_player()
    for _ in range(3):
        problem(api.get(f"players/{player.id}"), 403, "access_denied")
    [entry] = list_audit(AuditQuery(action="access.refused"))
    assert (entry.outcome, entry.actor_kind, entry.player_id) == (AuditOutcome.DENIED, "client", player.id)
    assert "players:read" in entry.reason
    assert entry.object_id == f"/api/v1/players/{player.id}"


def test_the_hot_path_records_its_refusals_too(token_for: Callable[..., str]) -> None:
    api = Api(token_for("players:read"))
    problem(api.post("wallet/bets", {}), 403, "access_denied")
    [entry] = list_audit(AuditQuery(action="access.refused"))
    assert entry.object_id == "/api/v1/wallet/bets"


def test_what_is_not_found_is_no_refusal(token_for: Callable[..., str]) -> None:
    problem(Api(token_for("players:read")).get("players/01980000-0000-7000-8000-000000000000"), 404, "unknown_player")
    assert list_audit(AuditQuery(action="access.refused")) == []
