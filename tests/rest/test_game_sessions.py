"""Opening games over REST: sessions with tokens, for players who may play."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from compliance.models_sessions import ActivityRecord
from compliance.services.limit_file import person_of
from compliance.services.sandbox_registers import SandboxActivityFile
from kernel import clock
from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.compliance.packs_in_force import put_in_force
from tests.factories import ACTOR, AT, make_game, make_player
from tests.rest.conftest import Api, problem
from wallet.selectors_adapters import find_session_by_token
from wallet.services.integrations import change_integration, create_integration
from wallet.types_adapters import AdapterProtocol, IntegrationStatus


@pytest.fixture
def player(db: None) -> PlayerDetails:
    make_game()
    create_integration(code="hub", name="Hub", protocol=AdapterProtocol.HUB88, actor=ACTOR, at=clock.now())
    return make_player()


def form(player: PlayerDetails, **changes: Any) -> dict[str, Any]:
    return {"player_id": str(player.id), "integration": "hub", "game": "fruits"} | changes


def test_a_session_is_issued_listed_and_revoked(api: Api, player: PlayerDetails) -> None:
    answer = api.post("wallet/game-sessions", form(player, ttl_seconds=600))
    assert answer.status_code == 201, answer.content
    issued = answer.json()
    token = issued.pop("token")
    session = find_session_by_token("hub", token)
    assert session
    assert str(session.id) == issued["id"]
    assert (session.expires_at - session.issued_at).total_seconds() == 600
    assert (issued["currency"], issued["revoked_at"]) == ("EUR", None)
    assert api.get(answer["Location"]).json() == issued
    listed = api.get("wallet/game-sessions", player_id=str(player.id)).json()
    assert listed == {"items": [issued], "next": None}
    for _ in range(2):
        revoked = api.post(f"{answer['Location']}/revoke")
        assert revoked.status_code == 200
        assert revoked.json()["revoked_at"]
    assert not find_session_by_token("hub", token).open_at(clock.now())


def test_a_retry_gets_the_same_session_and_token(api: Api, player: PlayerDetails) -> None:
    first = api.post("wallet/game-sessions", form(player), key="k1")
    again = api.post("wallet/game-sessions", form(player), key="k1")
    assert first.json() == again.json()
    problem(api.post("wallet/game-sessions", form(player, ttl_seconds=60), key="k1"), 409, "idempotency_conflict")
    assert api.post("wallet/game-sessions", form(player), key="k2").json()["token"] != first.json()["token"]


def test_who_may_not_play_gets_no_session(api: Api, player: PlayerDetails) -> None:
    impose(
        player_id=player.id,
        kind=RestrictionKind.COOLING_OFF,
        reason="asked for it",
        source="player",
        idempotency_key="cool",
        actor=ACTOR,
        at=clock.now(),
    )
    body = problem(api.post("wallet/game-sessions", form(player)), 403, "game_session_refused")
    assert body["reason"] == "cooling_off"


@pytest.mark.rule(11)
def test_no_game_opens_for_who_plays_with_another_operator(api: Api, player: PlayerDetails) -> None:
    put_in_force("DE", "2026-07-01", "registers.activity_file")
    other, person = SandboxActivityFile("elsewhere"), person_of(player)
    assert other.begin(person=person, at=clock.now()).accepted
    body = problem(api.post("wallet/game-sessions", form(player)), 403, "play_refused")
    assert (body["reason"], body["until"]) == ("playing_elsewhere", None)
    other.end(person=person, at=clock.now() - timedelta(minutes=4))
    assert problem(api.post("wallet/game-sessions", form(player)), 403, "play_refused")["until"]
    other.begin(person=person, at=clock.now())
    other.end(person=person, at=clock.now() - timedelta(minutes=5))
    assert api.post("wallet/game-sessions", form(player)).status_code == 201
    assert ActivityRecord.objects.get(player_id=player.id).register == "LUGAS Aktivitätsdatei"
    assert not other.begin(person=person, at=clock.now()).accepted, "now they play here"


def test_a_disabled_integration_gets_no_session(api: Api, player: PlayerDetails) -> None:
    change_integration(
        code="hub",
        name="Hub",
        status=IntegrationStatus.DISABLED,
        currencies={},
        amount_scale=1,
        allowed_ips=(),
        actor=ACTOR,
        at=AT,
    )
    problem(api.post("wallet/game-sessions", form(player)), 403, "game_session_refused")


def test_what_is_not_there_or_not_right(api: Api, player: PlayerDetails) -> None:
    problem(api.post("wallet/game-sessions", form(player, player_id=str(uuid4()))), 404, "unknown_player")
    problem(api.post("wallet/game-sessions", form(player, integration="none")), 404, "unknown_integration")
    problem(api.post("wallet/game-sessions", form(player, game="none")), 422, "validation_failed")
    for seconds in (59, 86_401, "soon"):
        problem(api.post("wallet/game-sessions", form(player, ttl_seconds=seconds)), 422, "validation_failed")
    problem(api.get(f"wallet/game-sessions/{uuid4()}"), 404, "unknown_game_session")


def test_scopes(token_for: Callable[..., str], player: PlayerDetails) -> None:
    reader = Api(token_for("wallet:read"))
    problem(reader.post("wallet/game-sessions", form(player)), 403, "access_denied")
    assert reader.get("wallet/game-sessions", player_id=str(player.id)).status_code == 200
